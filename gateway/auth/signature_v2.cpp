#include "auth/signature_v2.h"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <charconv>
#include <map>

#include "auth/claim.h"
#include "auth/uri_encoding.h"
#include "s3/operations.h"

namespace firn::gateway {
namespace {

constexpr std::string_view kAmzPrefix = "x-amz-";

/// The parameters that version 2 signs.
constexpr auto kSigned = std::to_array<std::string_view>({"accelerate",
                                                          "acl",
                                                          "analytics",
                                                          "cors",
                                                          "defaultObjectAcl",
                                                          "delete",
                                                          "inventory",
                                                          "lifecycle",
                                                          "location",
                                                          "logging",
                                                          "metrics",
                                                          "notification",
                                                          "object-lock",
                                                          "partNumber",
                                                          "policy",
                                                          "replication",
                                                          "requestPayment",
                                                          "response-cache-control",
                                                          "response-content-disposition",
                                                          "response-content-encoding",
                                                          "response-content-language",
                                                          "response-content-type",
                                                          "response-expires",
                                                          "restore",
                                                          "select",
                                                          "select-type",
                                                          "storageClass",
                                                          "tagging",
                                                          "torrent",
                                                          "uploadId",
                                                          "uploads",
                                                          "versionId",
                                                          "versioning",
                                                          "versions",
                                                          "website"});

bool is_signed(std::string_view name) { return std::binary_search(kSigned.begin(), kSigned.end(), name); }
static_assert(std::is_sorted(kSigned.begin(), kSigned.end()));

/// Whether the parameter makes it another operation than the one whose address was signed. ListObjectsV2 is the same
/// right as ListObjects, and version 2 clients send its parameter unsigned.
bool selects_unsigned(std::string_view name) {
  if (is_signed(name) || name == "list-type") return false;
  const auto rows = operations();
  return std::any_of(rows.begin(), rows.end(), [&](const Operation& row) {
    return row.subresource.substr(0, row.subresource.find('&')) == name;
  });
}

/// Whether the value, set into the string to sign, reads as its own end and another signed parameter.
bool hides_another(std::string_view value) {
  for (std::size_t at = value.find('&'); at != std::string_view::npos; at = value.find('&', at + 1)) {
    const std::string_view rest = value.substr(at + 1);
    if (is_signed(rest.substr(0, rest.find_first_of("=&")))) return true;
  }
  return false;
}

Result<> check_parameter(const Query::Parameter& parameter) {
  const bool broken = parameter.name.find_first_of("\r\n") != std::string::npos ||
                      parameter.value.find_first_of("\r\n") != std::string::npos;
  const bool is_line = boost::algorithm::istarts_with(parameter.name, kAmzPrefix);
  if (is_line && broken) return client_error(Errc::invalid_argument, "A header in the query has a line break.");
  if (selects_unsigned(parameter.name) || (is_signed(parameter.name) && hides_another(parameter.value))) {
    return client_error(Errc::access_denied,
                        "The query names a sub-resource that Signature Version 2 does not cover. Please presign with "
                        "AWS4-HMAC-SHA256.");
  }
  return {};
}

Result<> check_expiry(std::string_view text, UnixMs now) {
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || end != text.data() + text.size() || failure != std::errc{} || seconds < 0) {
    return client_error(Errc::access_denied,
                        "Invalid date (should be seconds since epoch): " + std::string(text.substr(0, 64)));
  }
  if (seconds <= now / 1000) return client_error(Errc::request_expired, "Request has expired");
  return {};
}

std::string_view header(const Fields& headers, std::string_view name) {
  const auto field = headers.find(boost::beast::string_view(name.data(), name.size()));
  return field == headers.end() ? std::string_view{} : std::string_view(field->value().data(), field->value().size());
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The x-amz-* headers by lower-case name; one sent both ways counts as it was sent in the head.
void append_amz_headers(std::string& out, const RequestToSign& request, bool presigned) {
  std::map<std::string, std::string> lines;
  for (const auto& field : request.headers) {
    const std::string_view name(field.name_string().data(), field.name_string().size());
    if (!boost::algorithm::istarts_with(name, kAmzPrefix)) continue;
    const auto [line, is_first] = lines.try_emplace(boost::algorithm::to_lower_copy(std::string(name)));
    if (!is_first) line->second += ',';
    line->second += trimmed({field.value().data(), field.value().size()});
  }
  for (const auto& parameter : request.query.parameters()) {
    if (!presigned || !boost::algorithm::istarts_with(parameter.name, kAmzPrefix)) continue;
    lines.try_emplace(boost::algorithm::to_lower_copy(parameter.name), trimmed(parameter.value));
  }
  for (const auto& [name, value] : lines) out.append(name).append(":").append(value).append("\n");
}

void append_resource(std::string& out, const RequestToSign& request, PathSpelling spelling) {
  if (!request.host_bucket.empty()) out.append("/").append(request.host_bucket);
  if (spelling == PathSpelling::reencoded) {
    append_canonical_path(out, request.raw_path);
  } else {
    out.append(request.raw_path);
  }
  std::vector<const Query::Parameter*> parameters;
  for (const auto& parameter : request.query.parameters()) {
    if (is_signed(parameter.name)) parameters.push_back(&parameter);
  }
  std::stable_sort(parameters.begin(), parameters.end(),
                   [](const auto* a, const auto* b) { return a->name < b->name; });
  char separator = '?';
  for (const auto* parameter : parameters) {
    out.push_back(separator);
    out.append(parameter->name);
    if (parameter->has_value) out.append("=").append(parameter->value);
    separator = '&';
  }
}

Result<Version2Claim> read_query(const RequestToSign& request, UnixMs now) {
  const std::string* access_key = request.query.find("AWSAccessKeyId");
  const std::string* expires = request.query.find("Expires");
  const std::string* signature = request.query.find("Signature");
  if (!access_key || !expires || !signature) {
    return client_error(Errc::access_denied,
                        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters");
  }
  if (auto fine = check_expiry(*expires, now); !fine) return std::move(fine).error();
  return Version2Claim{.access_key = *access_key, .moment = *expires, .signature = *signature};
}

/// "AWS key:signature". A key may hold colons, base64 doesn't.
Result<Version2Claim> read_header(const RequestToSign& request, UnixMs now) {
  constexpr std::string_view kScheme = "AWS ";
  const std::string_view text = trimmed(trimmed(header(request.headers, "Authorization")).substr(kScheme.size()));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    return client_error(Errc::invalid_argument,
                        "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature");
  }
  const bool by_amz_date = request.headers.find("x-amz-date") != request.headers.end();
  const std::string_view date = trimmed(header(request.headers, by_amz_date ? "x-amz-date" : "Date"));
  const auto time = SigningTime::from_date_header(date);
  if (!time) {
    return client_error(Errc::access_denied, "AWS authentication requires a valid Date or x-amz-date header");
  }
  if (auto fresh = check_skew(*time, now); !fresh) return std::move(fresh).error();
  return Version2Claim{.access_key = text.substr(0, colon),
                       .moment = by_amz_date ? std::string_view{} : date,
                       .signature = text.substr(colon + 1)};
}

}  // namespace

Result<Version2Claim> read_version_2_claim(const RequestToSign& request, Mechanism mechanism, UnixMs now) {
  for (const auto& parameter : request.query.parameters()) {
    if (auto fine = check_parameter(parameter); !fine) return std::move(fine).error();
  }
  auto claim = is_presigned(mechanism) ? read_query(request, now) : read_header(request, now);
  if (claim) claim->mechanism = mechanism;
  return claim;
}

void append_version_2_string_to_sign(std::string& out, const RequestToSign& request, const Version2Claim& claim,
                                     PathSpelling spelling) {
  out.append(request.method).append("\n");
  out.append(trimmed(header(request.headers, "Content-MD5"))).append("\n");
  out.append(trimmed(header(request.headers, "Content-Type"))).append("\n");
  out.append(claim.moment).append("\n");
  append_amz_headers(out, request, is_presigned(claim.mechanism));
  append_resource(out, request, spelling);
}

}  // namespace firn::gateway
