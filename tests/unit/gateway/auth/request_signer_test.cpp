#include "firn/gateway/request_signer.h"

#include <gtest/gtest.h>

#include "signed_request.h"

namespace firn::gateway {
namespace {

using namespace test;

const RootCredential kCredential{std::string(kAccessKey), std::string(kSecretKey)};

/// As the gateway would receive it.
ClientRequest received(const OutgoingRequest& request, const SignedRequest& sent) {
  const auto mark = sent.target.find('?');
  return {.method = request.method,
          .path = sent.target.substr(0, mark),
          .query = mark == std::string::npos ? "" : sent.target.substr(mark + 1),
          .headers = sent.headers};
}

std::optional<Errc> refusal(const OutgoingRequest& request, const RootCredential& credential, UnixMs now = kThen) {
  const RootCredentialSource credentials(kCredential.access_key, kCredential.secret_key);
  const SignatureAuthenticator authenticator(credentials);
  return authenticate(authenticator, received(request, sign_request(request, credential, kThen)), now).code();
}

TEST(SignedRequestOfOurOwn, IsAccepted) {
  EXPECT_EQ(refusal({"GET", "127.0.0.1:9000", "/firn/admin/v1/status", {}}, kCredential), std::nullopt);
}

TEST(SignedRequestOfOurOwn, MayHaveParametersOfAnyText) {
  const OutgoingRequest request{
      "POST", "[::1]:9000", "/firn/admin/v1/jobs/backup", {{"file", "/a b/100%41+ü&c=d*"}, {"also", ""}, {"a", "~"}}};
  EXPECT_EQ(refusal(request, kCredential), std::nullopt);
  EXPECT_EQ(sign_request(request, kCredential, kThen).target,
            "/firn/admin/v1/jobs/backup?file=/a%20b/100%2541%2B%C3%BC%26c%3Dd*&also=&a=~");
}

TEST(SignedRequestOfOurOwn, IsRefusedWithAnotherSecret) {
  const OutgoingRequest request{"GET", "h:1", "/", {}};
  EXPECT_EQ(refusal(request, {kCredential.access_key, "another"}), Errc::signature_does_not_match);
  EXPECT_EQ(refusal(request, {"another", kCredential.secret_key}), Errc::invalid_access_key_id);
}

TEST(SignedRequestOfOurOwn, GrowsOld) {
  constexpr UnixMs kHourMs = 3'600'000;
  EXPECT_EQ(refusal({"GET", "h:1", "/", {}}, kCredential, kThen + kHourMs), Errc::request_time_too_skewed);
}

}  // namespace
}  // namespace firn::gateway
