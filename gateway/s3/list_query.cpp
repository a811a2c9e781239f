#include "s3/list_query.h"

#include <algorithm>

#include "s3/ranges.h"

namespace firn::gateway {

namespace {

constexpr std::uint32_t kPageMax = 1000;  // S3's largest page of every listing in a bucket.

}  // namespace

Result<std::uint32_t> page_size(const Request& request, std::string_view name, std::uint32_t most) {
  const std::string* text = request.query.find(name);
  if (!text || text->empty()) return most;
  const auto count = parse_decimal(*text);
  if (!count || *count > std::numeric_limits<std::int32_t>::max()) {
    return client_error(Errc::invalid_argument,
                        "Argument " + std::string(name) + " must be an integer between 0 and 2147483647");
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(*count, most));
}

Result<ListParameters> list_parameters(const Request& request, std::string_view max_name) {
  ListParameters parameters;
  if (const auto* prefix = request.query.find("prefix")) parameters.prefix = *prefix;
  if (const auto* delimiter = request.query.find("delimiter")) parameters.delimiter = *delimiter;
  if (const auto* encoding = request.query.find("encoding-type"); encoding && !encoding->empty()) {
    if (*encoding != "url") return client_error(Errc::invalid_argument, "Invalid Encoding Method specified in Request");
    parameters.url_encoded = true;
  }
  auto count = page_size(request, max_name, kPageMax);
  if (!count) return std::move(count).error();
  parameters.max_keys = *count;
  return parameters;
}

}  // namespace firn::gateway
