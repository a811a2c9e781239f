#include "auth/claim.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "auth/uri_encoding.h"

namespace firn::gateway {
namespace {

using boost::beast::iequals;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kService = "s3";
constexpr std::string_view kAmzPrefix = "x-amz-";

std::string_view header(const Fields& headers, std::string_view name) {
  const auto field = headers.find(boost::beast::string_view(name.data(), name.size()));
  return field == headers.end() ? std::string_view{} : std::string_view(field->value().data(), field->value().size());
}

/// The first parameter of that name, or null.
const std::string* parameter(const Query& query, std::string_view name) {
  for (const auto& candidate : query.parameters()) {
    if (candidate.name == name) return &candidate.value;
  }
  return nullptr;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// "KEY/20130524/us-east-1/s3/aws4_request". The key itself may hold slashes, the four parts after it don't.
bool read_credential(std::string_view text, SignatureClaim& claim) {
  std::size_t slash = text.size();
  for (int part = 0; part < 4; ++part) {
    if (slash == 0 || slash == std::string_view::npos) return false;
    slash = text.rfind('/', slash - 1);
  }
  if (slash == 0 || slash == std::string_view::npos) return false;
  const auto scope = parse_scope(text.substr(slash + 1));
  if (!scope) return false;
  claim.access_key = text.substr(0, slash);
  claim.scope = *scope;
  return true;
}

Error header_malformed(const char* what) {
  return client_error(Errc::authorization_header_malformed,
                      std::string("The authorization header is malformed; ") + what);
}

Error query_malformed(const char* what) { return client_error(Errc::authorization_query_parameters_error, what); }

/// "Credential=…, SignedHeaders=…, Signature=…" in any order, separated by commas with or without spaces.
Result<> read_authorization_fields(std::string_view rest, SignatureClaim& claim) {
  std::string_view credential;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view piece = trimmed(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) return header_malformed("a field has no value.");
    const std::string_view name = piece.substr(0, equals);
    const std::string_view value = piece.substr(equals + 1);
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") claim.signed_headers = value;
    if (name == "Signature") claim.signature = value;
  }
  if (credential.empty()) return header_malformed("missing Credential.");
  if (claim.signed_headers.empty()) return header_malformed("missing SignedHeaders.");
  if (claim.signature.empty()) return header_malformed("missing Signature.");
  if (!read_credential(credential, claim)) {
    return header_malformed(
        "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
  }
  return {};
}

Result<SignatureClaim> read_header_claim(const RequestToSign& request, std::string_view authorization, UnixMs now) {
  if (!authorization.starts_with(kAlgorithm) || authorization.size() == kAlgorithm.size() ||
      authorization[kAlgorithm.size()] != ' ') {
    return client_error(Errc::invalid_argument, "Unsupported Authorization Type");
  }
  SignatureClaim claim;
  if (auto read = read_authorization_fields(authorization.substr(kAlgorithm.size()), claim); !read) {
    return std::move(read).error();
  }
  if (claim.scope.service != kService) return header_malformed("incorrect service. This endpoint belongs to \"s3\".");
  const std::string_view amz_date = trimmed(header(request.headers, "x-amz-date"));
  const auto time = amz_date.empty() ? SigningTime::from_date_header(trimmed(header(request.headers, "Date")))
                                     : SigningTime::from_amz_date(amz_date);
  if (!time) {
    return client_error(Errc::access_denied, "AWS authentication requires a valid Date or x-amz-date header");
  }
  claim.time = *time;
  if (claim.scope.day != claim.time.day()) {
    return header_malformed("the date of the Credential is not the date of the request.");
  }
  if (auto fresh = check_skew(claim.time, now); !fresh) return std::move(fresh).error();
  return claim;
}

Result<std::chrono::seconds> read_expires(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = end == text.data() + text.size() && !text.empty();
  if (whole && (failure == std::errc::result_out_of_range || seconds > kPresignedMax.count())) {
    return query_malformed(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be "
        "less than 604800 seconds");
  }
  if (!whole || failure != std::errc{}) return query_malformed("X-Amz-Expires should be a number");
  if (seconds < 0) return query_malformed("X-Amz-Expires must be non-negative");
  return std::chrono::seconds(seconds);
}

/// Whether the moment a presigned request may be used is now.
Result<> check_validity(const SignatureClaim& claim, UnixMs now) {
  if (claim.time.unix_ms() - now > std::chrono::milliseconds(kClockSkewMax).count()) {
    return client_error(Errc::access_denied, "Request is not valid yet");
  }
  if (now - claim.time.unix_ms() > std::chrono::milliseconds(claim.expires).count()) {
    return client_error(Errc::request_expired, "Request has expired");
  }
  return {};
}

Result<SignatureClaim> read_presigned_claim(const RequestToSign& request, UnixMs now) {
  const std::string* algorithm = parameter(request.query, "X-Amz-Algorithm");
  const std::string* credential = parameter(request.query, "X-Amz-Credential");
  const std::string* date = parameter(request.query, "X-Amz-Date");
  const std::string* expires = parameter(request.query, "X-Amz-Expires");
  const std::string* signed_headers = parameter(request.query, "X-Amz-SignedHeaders");
  const std::string* signature = parameter(request.query, "X-Amz-Signature");
  if (!algorithm || !credential || !date || !expires || !signed_headers || !signature || signed_headers->empty()) {
    return query_malformed(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
        "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
  }
  if (*algorithm != kAlgorithm) return query_malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  SignatureClaim claim;
  claim.signed_headers = *signed_headers;
  claim.signature = *signature;
  if (!read_credential(*credential, claim)) {
    return query_malformed(
        "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
        "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
  }
  if (claim.scope.service != kService) {
    return query_malformed(
        "Error parsing the X-Amz-Credential parameter; incorrect service. This endpoint belongs to "
        "\"s3\".");
  }
  const auto time = SigningTime::from_amz_date(*date);
  if (!time) return query_malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  claim.time = *time;
  if (claim.scope.day != claim.time.day()) {
    return query_malformed("Invalid credential date. This date is not the same as X-Amz-Date.");
  }
  auto seconds = read_expires(*expires);
  if (!seconds) return std::move(seconds).error();
  claim.expires = *seconds;
  if (auto valid = check_validity(claim, now); !valid) return std::move(valid).error();
  return claim;
}

bool names(std::string_view signed_headers, std::string_view name) {
  while (!signed_headers.empty()) {
    const std::size_t end = std::min(signed_headers.find(';'), signed_headers.size());
    if (iequals({signed_headers.data(), end}, {name.data(), name.size()})) return true;
    signed_headers.remove_prefix(std::min(end + 1, signed_headers.size()));
  }
  return false;
}

/// Whether a header changes nothing that its signature could protect: the payload's hash is a line of the canonical
/// request of its own, and an empty token is no token.
bool may_stay_unsigned(std::string_view name, std::string_view value) {
  if (iequals({name.data(), name.size()}, "x-amz-content-sha256")) return true;
  return iequals({name.data(), name.size()}, "x-amz-security-token") && trimmed(value).empty();
}

Result<> check_signed_headers(const RequestToSign& request, std::string_view signed_headers) {
  const Error unsigned_headers =
      client_error(Errc::access_denied, "There were headers present in the request which were not signed");
  if (!names(signed_headers, "host")) return unsigned_headers;
  for (const auto& field : request.headers) {
    const std::string_view name(field.name_string().data(), field.name_string().size());
    if (name.size() < kAmzPrefix.size() || !iequals({name.data(), kAmzPrefix.size()}, "x-amz-")) continue;
    if (names(signed_headers, name)) continue;
    if (!may_stay_unsigned(name, {field.value().data(), field.value().size()})) return unsigned_headers;
  }
  return {};
}

bool is_sha256_text(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

}  // namespace

Result<> check_skew(const SigningTime& time, UnixMs now) {
  const UnixMs skew_max = std::chrono::milliseconds(kClockSkewMax).count();
  if (now - time.unix_ms() <= skew_max && time.unix_ms() - now <= skew_max) return {};
  return client_error(Errc::request_time_too_skewed,
                      "The difference between the request time and the current time is too large.");
}

Result<Mechanism> read_mechanism(const RequestToSign& request) {
  const std::string_view authorization = trimmed(header(request.headers, "Authorization"));
  const bool in_header = !authorization.empty();
  const bool in_query = parameter(request.query, "X-Amz-Algorithm") || parameter(request.query, "X-Amz-Signature") ||
                        parameter(request.query, "X-Amz-Credential");
  const bool by_version_2 = parameter(request.query, "AWSAccessKeyId") || parameter(request.query, "Signature");
  if (in_header + in_query + by_version_2 > 1) {
    return client_error(Errc::invalid_argument,
                        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
                        "string parameter or the Authorization header should be specified");
  }
  if (in_header) return authorization.starts_with("AWS ") ? Mechanism::header_version_2 : Mechanism::header;
  if (in_query) return Mechanism::presigned;
  if (by_version_2) return Mechanism::presigned_version_2;
  return error(Errc::access_denied, "no signature");
}

Result<SignatureClaim> read_claim(const RequestToSign& request, Mechanism mechanism, UnixMs now) {
  auto claim = mechanism == Mechanism::presigned
                   ? read_presigned_claim(request, now)
                   : read_header_claim(request, trimmed(header(request.headers, "Authorization")), now);
  if (!claim) return claim;
  if (auto token = check_token(request, mechanism); !token) return std::move(token).error();
  if (auto covered = check_signed_headers(request, claim->signed_headers); !covered) return std::move(covered).error();
  return claim;
}

Result<> check_token(const RequestToSign& request, Mechanism mechanism) {
  bool sent = !trimmed(header(request.headers, "x-amz-security-token")).empty();
  for (const auto& candidate : request.query.parameters()) {
    const bool named = iequals(candidate.name, "x-amz-security-token");
    sent = sent || (named && is_presigned(mechanism) && !candidate.value.empty());
  }
  if (!sent) return {};
  return client_error(Errc::invalid_token, "The provided token is malformed or otherwise invalid.");
}

Result<PayloadClaim> read_payload_claim(const RequestToSign& request, Mechanism mechanism) {
  const bool needed = mechanism == Mechanism::header;
  std::string_view text = trimmed(header(request.headers, "x-amz-content-sha256"));
  if (mechanism == Mechanism::presigned) {
    if (const std::string* in_query = parameter(request.query, "X-Amz-Content-Sha256")) text = *in_query;
  }
  if (text.empty() && !needed) text = "UNSIGNED-PAYLOAD";
  if (text.empty()) {
    return client_error(Errc::invalid_request, "Missing required header for this request: x-amz-content-sha256");
  }
  if (text == "UNSIGNED-PAYLOAD") return PayloadClaim{PayloadForm::unsigned_payload, text};
  if (is_sha256_text(text)) return PayloadClaim{PayloadForm::sha256, text};
  // Only a Signature V4 in the header begins a stream: the trailers of another would be anybody's.
  if (!needed && text.starts_with("STREAMING-")) {
    return client_error(Errc::access_denied, "A request signed like this can't have a streaming payload.");
  }
  if (text == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") return PayloadClaim{PayloadForm::streaming_signed, text};
  if (text == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") {
    return PayloadClaim{PayloadForm::streaming_signed_trailer, text};
  }
  if (text == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return PayloadClaim{PayloadForm::streaming_unsigned_trailer, text};
  return client_error(
      Errc::invalid_argument,
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 "
      "value.");
}

}  // namespace firn::gateway
