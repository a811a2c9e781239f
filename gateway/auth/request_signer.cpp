#include "firn/gateway/request_signer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "auth/signature_v4.h"
#include "firn/base/assert.h"
#include "firn/base/digest.h"
#include "s3/url_code.h"

namespace firn::gateway {
namespace {

constexpr std::string_view kSignedHeaders = "host;x-amz-content-sha256;x-amz-date";
/// Any region is accepted; this is the one that clients send when nobody names one.
constexpr std::string_view kScopeEnd = "/us-east-1/s3/aws4_request";
constexpr UnixMs kMillisecondsPerSecond = 1'000;

std::string query_of(const OutgoingRequest& request) {
  std::string query;
  for (const auto& [name, value] : request.parameters) {
    if (!query.empty()) query.push_back('&');
    query += url_encode_listing(name) + "=" + url_encode_listing(value);
  }
  return query;
}

}  // namespace

SignedRequest sign_request(const OutgoingRequest& request, const RootCredential& credential, UnixMs now) {
  const std::string date =
      fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(static_cast<std::time_t>(now / kMillisecondsPerSecond)));
  const auto time = SigningTime::from_amz_date(date);
  FIRN_ASSERT(time.has_value());
  const std::string raw_query = query_of(request);
  const std::string payload_hash = to_hex(sha256({}));
  SignedRequest result{
      .target = request.path + (raw_query.empty() ? "" : "?" + raw_query),
      .headers = {{"Host", request.host}, {"x-amz-date", date}, {"x-amz-content-sha256", payload_hash}}};
  Fields fields;
  for (const auto& [name, value] : result.headers) fields.insert(name, value);
  const Query query;  // Only a presigned request keeps its signature there.
  std::string canonical;
  const bool bounded = append_canonical_request(
      canonical,
      {.method = request.method, .raw_path = request.path, .raw_query = raw_query, .query = query, .headers = fields},
      kSignedHeaders, payload_hash, PathSpelling::reencoded);
  FIRN_ASSERT(bounded);
  const std::string scope = std::string(time->day()).append(kScopeEnd);
  std::string to_sign;
  append_string_to_sign(to_sign, *time, scope, canonical);
  const SigningKey key = derive_signing_key(credential.secret_key, *parse_scope(scope));
  result.headers.emplace_back("Authorization",
                              fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                          credential.access_key, scope, kSignedHeaders, sign(key, to_sign)));
  return result;
}

}  // namespace firn::gateway
