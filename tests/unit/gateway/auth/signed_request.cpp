#include "signed_request.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "http/target.h"

namespace firn::gateway::test {
namespace {

Fields fields_of(const ClientRequest& request) {
  Fields fields;
  for (const auto& [name, value] : request.headers) {
    fields.insert(boost::beast::string_view(name.data(), name.size()),
                  boost::beast::string_view(value.data(), value.size()));
  }
  return fields;
}

Query query_of(const ClientRequest& request) {
  auto parsed = parse_query(request.query);
  EXPECT_TRUE(parsed.has_value()) << request.query;
  return parsed ? *parsed : Query{};
}

std::string header_of(const ClientRequest& request, std::string_view name) {
  for (const auto& [known, value] : request.headers) {
    if (known == name) return value;
  }
  return {};
}

std::string signature_of(const ClientRequest& request, std::string_view signed_headers, std::string_view payload,
                         std::string_view secret) {
  std::string to_sign;
  append_string_to_sign(to_sign, SigningTime::from_amz_date(kAmzDate).value(), kScope,
                        canonical_form(request, signed_headers, payload));
  return sign(derive_signing_key(secret, parse_scope(kScope).value()), to_sign);
}

}  // namespace

ClientRequest& ClientRequest::with(std::string name, std::string value) {
  headers.emplace_back(std::move(name), std::move(value));
  return *this;
}

ClientRequest& ClientRequest::replace(std::string_view name, std::string value) {
  for (auto& header : headers) {
    if (header.first == name) header.second = value;
  }
  return *this;
}

ClientRequest& ClientRequest::remove(std::string_view name) {
  std::erase_if(headers, [&](const auto& header) { return header.first == name; });
  return *this;
}

void sign_header(ClientRequest& request, std::string_view signed_headers, std::string_view secret) {
  std::string payload = header_of(request, "x-amz-content-sha256");
  if (payload.empty()) payload = kEmptySha256;
  std::string authorization = "AWS4-HMAC-SHA256 Credential=";
  authorization.append(kAccessKey).append("/").append(kScope);
  authorization.append(", SignedHeaders=").append(signed_headers);
  authorization.append(", Signature=").append(signature_of(request, signed_headers, payload, secret));
  request.with("Authorization", authorization);
}

void sign_query(ClientRequest& request, std::string_view signed_headers, std::string_view payload) {
  request.query.append("&X-Amz-Signature=").append(signature_of(request, signed_headers, payload, kSecretKey));
}

std::string presigned_query(std::string_view expires, std::string_view signed_headers) {
  std::string names(signed_headers);
  for (std::size_t at = 0; (at = names.find(';', at)) != std::string::npos;) names.replace(at, 1, "%3B");
  return "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_"
         "request"
         "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=" +
         std::string(expires) + "&X-Amz-SignedHeaders=" + names;
}

Result<Authenticated> authenticate(const Authenticator& authenticator, const ClientRequest& request, UnixMs now) {
  const Fields fields = fields_of(request);
  const Query query = query_of(request);
  return authenticator.authenticate({request.method, request.path, request.query, query, fields}, now);
}

std::string canonical_form(const ClientRequest& request, std::string_view signed_headers, std::string_view payload,
                           PathSpelling spelling) {
  const Fields fields = fields_of(request);
  const Query query = query_of(request);
  std::string canonical;
  EXPECT_TRUE(append_canonical_request(canonical, {request.method, request.path, request.query, query, fields},
                                       signed_headers, payload, spelling));
  return canonical;
}

}  // namespace firn::gateway::test
