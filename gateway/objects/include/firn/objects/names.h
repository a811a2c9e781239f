#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "firn/base/result.h"

namespace firn::objects {

inline constexpr std::size_t kKeyBytesMax = 1024;             ///< S3's limit, in UTF-8 bytes.
inline constexpr std::uint64_t kPutBytesMax = 5ULL << 30;     ///< S3's limit of one PUT, part or CopyObject.
inline constexpr std::uint64_t kObjectBytesMax = 5ULL << 40;  ///< S3's limit of one object.
inline constexpr std::uint32_t kPartNumberMax = 10'000;       ///< S3's limit; the first is 1.

/// S3's rules for new general purpose buckets: 3-63 of a-z 0-9 . -, no two dots, not an IPv4 address, no reserved
/// prefix or suffix. Errc::invalid_bucket_name.
Result<> check_bucket_name(std::string_view name);

/// 1..kKeyBytesMax bytes of UTF-8 without NUL. Errc::key_too_long, invalid_argument or invalid_uri.
Result<> check_key(std::string_view key);

}  // namespace firn::objects
