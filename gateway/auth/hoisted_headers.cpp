#include "auth/hoisted_headers.h"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>

namespace firn::gateway {
namespace {

/// What stays in the query: about the signature, or about a body that the signer did not have.
constexpr auto kNeverHoisted = std::to_array<std::string_view>({
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-content-sha256",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
});

bool is_hoisted(const std::string& name) {
  if (!boost::algorithm::istarts_with(name, "x-amz-")) return false;
  const std::string lower = boost::algorithm::to_lower_copy(name);
  return std::find(kNeverHoisted.begin(), kNeverHoisted.end(), lower) == kNeverHoisted.end();
}

/// A decoded parameter may hold bytes that no header has; in an answer they would begin a header of their own.
bool may_be_header(const Query::Parameter& parameter) {
  const bool named = std::all_of(parameter.name.begin(), parameter.name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
  return named && std::none_of(parameter.value.begin(), parameter.value.end(),
                               [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

}  // namespace

Result<std::optional<Fields>> with_hoisted_headers(const Query& query, const Fields& sent) {
  std::optional<Fields> merged;
  for (const auto& parameter : query.parameters()) {
    if (!is_hoisted(parameter.name)) continue;
    if (!may_be_header(parameter)) {
      return client_error(Errc::invalid_argument, "A header in the query has a character that headers can't have.");
    }
    if (!merged) merged = sent;
    if (merged->find(parameter.name) == merged->end()) merged->insert(parameter.name, parameter.value);
  }
  return merged;
}

}  // namespace firn::gateway
