#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/authenticator.h"
#include "auth/signature_v4.h"

namespace firn::gateway::test {

// The credentials and the moment of AWS's published examples for S3.
inline constexpr std::string_view kAccessKey = "AKIAIOSFODNN7EXAMPLE";
inline constexpr std::string_view kSecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
inline constexpr std::string_view kScope = "20130524/us-east-1/s3/aws4_request";
inline constexpr std::string_view kAmzDate = "20130524T000000Z";
inline constexpr UnixMs kThen = 1'369'353'600'000;
inline constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A request as a client would send it, owning what RequestToSign only views.
struct ClientRequest {
  std::string method = "GET";
  std::string path = "/";
  std::string query;
  std::vector<std::pair<std::string, std::string>> headers;

  ClientRequest& with(std::string name, std::string value);
  ClientRequest& replace(std::string_view name, std::string value);
  ClientRequest& remove(std::string_view name);
};

/// Signs as a client does and adds the Authorization header. `headers` are "host;x-amz-date" and the like.
void sign_header(ClientRequest& request, std::string_view signed_headers, std::string_view secret = kSecretKey);
/// Adds X-Amz-Signature to a query that has all other parameters.
void sign_query(ClientRequest& request, std::string_view signed_headers, std::string_view payload = "UNSIGNED-PAYLOAD");
/// The usual presigned query, without the signature.
std::string presigned_query(std::string_view expires, std::string_view signed_headers = "host");

/// What the authenticator says of it at a given moment.
Result<Authenticated> authenticate(const Authenticator& authenticator, const ClientRequest& request,
                                   UnixMs now = kThen);

/// The canonical form, for the vectors that pin it.
std::string canonical_form(const ClientRequest& request, std::string_view signed_headers, std::string_view payload,
                           PathSpelling spelling = PathSpelling::reencoded);

}  // namespace firn::gateway::test
