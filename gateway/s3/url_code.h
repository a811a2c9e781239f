#pragma once

#include <string>
#include <string_view>

namespace firn::gateway {

/// What `encoding-type=url` does to keys, prefixes and markers: all but A-Z a-z 0-9 - . _ ~ * / becomes %XX. A space is
/// %20: some clients decode '+' and some do not, all decode %20.
std::string url_encode_listing(std::string_view text);

}  // namespace firn::gateway
