#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "firn/base/ids.h"
#include "firn/base/result.h"

namespace firn::gateway {

/// What a Range header asks of an object, as S3 takes it: a header that is not one valid `bytes=` range (another unit,
/// several ranges, nonsense) is ignored, a valid one that lies past the end is Errc::invalid_range.
Result<std::optional<ByteRange>> resolve_range(std::string_view header, std::uint64_t size_bytes);

/// x-amz-copy-source-range: exactly "bytes=first-last" within the source. Errc::invalid_argument, invalid_range.
Result<ByteRange> resolve_copy_range(std::string_view header, std::uint64_t size_bytes);

/// "bytes 0-9/100"
std::string content_range(ByteRange range, std::uint64_t size_bytes);

/// A decimal number of one to nineteen digits and nothing else.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace firn::gateway
