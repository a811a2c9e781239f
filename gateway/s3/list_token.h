#pragma once

#include <string>
#include <string_view>

#include "firn/base/result.h"

namespace firn::gateway {

/// The opaque continuation token of ListObjectsV2 and ListBuckets: the last name returned, with a version and a
/// checksum, in the URL-safe base64 alphabet. Clients can neither read nor make one by accident; nothing internal is in
/// it.
std::string encode_list_token(std::string_view last_name);

/// Errc::invalid_argument for anything `encode_list_token` did not make.
Result<std::string> decode_list_token(std::string_view token);

}  // namespace firn::gateway
