#pragma once

#include <string>

#include "firn/base/result.h"
#include "firn/metadata/client.h"
#include "s3/request.h"
#include "s3/url_code.h"

namespace firn::gateway {

/// What all bucket listings have in common.
struct ListParameters {
  std::string prefix, delimiter;
  std::uint32_t max_keys = 0;
  bool url_encoded = false;
  /// A key or prefix as this listing shows it.
  std::string shown(std::string_view text) const { return url_encoded ? url_encode_listing(text) : std::string(text); }
};

/// `max_name`: "max-keys", "max-uploads". Errc::invalid_argument.
Result<ListParameters> list_parameters(const Request& request, std::string_view max_name);

/// 0..`most` from a query parameter, `most` when it is missing or empty or larger. Errc::invalid_argument.
Result<std::uint32_t> page_size(const Request& request, std::string_view name, std::uint32_t most);

}  // namespace firn::gateway
