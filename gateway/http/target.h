#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "firn/base/result.h"
#include "s3/request.h"

namespace firn::gateway {

/// A request target in its two parts, still encoded. Views into the request line.
struct Target {
  std::string_view raw_path;   ///< Begins with '/'.
  std::string_view raw_query;  ///< Without the '?'.
};

/// Takes "/path?query" and, as RFC 9112 demands of servers, "http://host/path?query" when it names the same host.
/// Errc::invalid_uri for anything else.
Result<Target> split_target(std::string_view target, std::string_view host);

/// The bucket that the Host header names in virtual-host style ("bucket.domain"), or empty. Longest domain first.
std::string_view bucket_of_host(std::string_view host, const std::vector<std::string>& domains);

/// Decodes a path into bucket and key. The first '/' after the bucket separates; nothing is normalised: "..", ".", "//"
/// and a trailing '/' are bytes of the key like any other. With `host_bucket`, the whole path is the key.
/// Errc::invalid_uri when an escape is broken or the result is not UTF-8 or holds a NUL.
Result<> decode_path(std::string_view raw_path, std::string_view host_bucket, std::string& bucket, std::string& key);

/// Errc::invalid_uri as above.
Result<Query> parse_query(std::string_view raw_query);

}  // namespace firn::gateway
