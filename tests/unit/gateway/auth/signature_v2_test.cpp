#include "auth/signature_v2.h"

#include <gtest/gtest.h>

#include "firn/base/digest.h"
#include "http/target.h"
#include "signed_request.h"

namespace firn::gateway {
namespace {

using namespace test;

// The moment until which AWS's published example is good.
constexpr std::int64_t kPublishedExpires = 1'175'139'620;
constexpr UnixMs kBefore = (kPublishedExpires - 60) * 1000;

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    out += '%';
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

/// A client that holds a signed string and the request it was made for.
class Version2 : public testing::Test {
 protected:
  /// `string_to_sign` as a client made it, independent of ours.
  static ClientRequest signed_as(std::string_view string_to_sign, ClientRequest request) {
    const std::string signature = to_base64(hmac_sha1(kSecretKey, string_to_sign));
    if (!request.query.empty()) request.query += '&';
    request.query += "AWSAccessKeyId=" + std::string(kAccessKey) + "&Expires=" + std::to_string(kPublishedExpires) +
                     "&Signature=" + percent_encoded(signature);
    return request;
  }
  static ClientRequest simple() { return signed_as("GET\n\n\n1175139620\n/bucket/key", {.path = "/bucket/key"}); }

  Result<Authenticated> ask(const ClientRequest& request, UnixMs now = kBefore) {
    return authenticate(authenticator_, request, now);
  }
  std::optional<Errc> refusal(const ClientRequest& request, UnixMs now = kBefore) { return ask(request, now).code(); }

  RootCredentialSource credentials_{std::string(kAccessKey), std::string(kSecretKey)};
  SignatureAuthenticator authenticator_{credentials_};
};

TEST_F(Version2, AcceptsThePublishedExample) {
  Fields headers;
  const auto query =
      parse_query("AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620");
  ASSERT_TRUE(query);
  const RequestToSign request{.method = "GET",
                              .raw_path = "/photos/puppy.jpg",
                              .raw_query = "",
                              .query = *query,
                              .headers = headers,
                              .host_bucket = "johnsmith"};
  const auto known = authenticator_.authenticate(request, kBefore);
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_EQ(known->credential->identity.access_key, kAccessKey);
  EXPECT_EQ(known->mechanism, Mechanism::presigned_version_2);
  EXPECT_EQ(known->payload, PayloadForm::unsigned_payload);
}

TEST_F(Version2, CoversMethodPathTypeDigestAndExpiry) {
  const ClientRequest right =
      signed_as("PUT\nmd5==\ntext/plain\n1175139620\n/bucket/key", {.method = "PUT", .path = "/bucket/key"})
          .with("Content-MD5", "md5==")
          .with("Content-Type", " text/plain ");
  EXPECT_EQ(refusal(right), std::nullopt);
  ClientRequest changed = right;
  changed.method = "DELETE";
  EXPECT_EQ(refusal(changed), Errc::signature_does_not_match);
  changed = right;
  changed.path = "/bucket/other";
  EXPECT_EQ(refusal(changed), Errc::signature_does_not_match);
  changed = right;
  EXPECT_EQ(refusal(changed.replace("Content-Type", "text/html")), Errc::signature_does_not_match);
  changed = right;
  EXPECT_EQ(refusal(changed.remove("Content-MD5")), Errc::signature_does_not_match);
  changed = right;
  changed.query.replace(changed.query.find("1175139620"), 10, "1175139621");
  EXPECT_EQ(refusal(changed), Errc::signature_does_not_match);
}

TEST_F(Version2, CoversSubresourcesInTheirOrderAndNothingElseOfTheQuery) {
  const std::string text = "GET\n\n\n1175139620\n/bucket/key?partNumber=1&response-content-type=a b&uploadId=u";
  const auto query = "uploadId=u&x-id=GetObject&response-content-type=a%20b&prefix=p&partNumber=1";
  const ClientRequest right = signed_as(text, {.path = "/bucket/key", .query = query});
  EXPECT_EQ(refusal(right), std::nullopt);
  ClientRequest changed = right;
  changed.query += "&versionId=1";
  EXPECT_EQ(refusal(changed), Errc::signature_does_not_match);
  changed = right;
  changed.query.erase(0, changed.query.find('&') + 1);
  EXPECT_EQ(refusal(changed), Errc::signature_does_not_match);
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/bucket/key?acl", {.path = "/bucket/key", .query = "acl"})),
            std::nullopt);
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/bucket/key?acl", {.path = "/bucket/key", .query = "acl="})),
            Errc::signature_does_not_match);
}

TEST_F(Version2, CoversAmazonsHeadersWhereverTheyAre) {
  const std::string text = "PUT\n\n\n1175139620\nx-amz-acl:private\nx-amz-meta-a:1,2\nx-amz-meta-b:3\n/bucket/key";
  const ClientRequest right =
      signed_as(text, {.method = "PUT", .path = "/bucket/key", .query = "x-amz-meta-b=3&x-amz-acl=private"})
          .with("X-Amz-Meta-A", "1")
          .with("x-amz-meta-a", " 2 ");
  EXPECT_EQ(refusal(right), std::nullopt);
  ClientRequest changed = right;
  EXPECT_EQ(refusal(changed.with("x-amz-storage-class", "GLACIER")), Errc::signature_does_not_match);
  changed = right;
  EXPECT_EQ(refusal(changed.with("x-amz-meta-b", "3")), std::nullopt) << "sent both ways";
  changed = right;
  EXPECT_EQ(refusal(changed.with("x-amz-meta-b", "4")), Errc::signature_does_not_match);
  changed = right;
  changed.query += "&x-amz-copy-source=b%2Fk";
  EXPECT_EQ(refusal(changed), Errc::signature_does_not_match);
}

TEST_F(Version2, TakesEitherSpellingOfThePath) {
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/bucket/a%20%28", {.path = "/bucket/a%20("})), std::nullopt);
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/bucket/a%20(", {.path = "/bucket/a%20("})), std::nullopt);
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/bucket/a (", {.path = "/bucket/a%20("})),
            Errc::signature_does_not_match);
}

TEST_F(Version2, TakesABucketWithOrWithoutItsSlash) {
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/bucket/", {.path = "/bucket"})), std::nullopt);
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/bucket", {.path = "/bucket"})), std::nullopt);
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/bucket/key/", {.path = "/bucket/key"})),
            Errc::signature_does_not_match);
  EXPECT_EQ(refusal(signed_as("GET\n\n\n1175139620\n/", {.path = "/"})), std::nullopt);
}

TEST_F(Version2, EndsAtItsExpiry) {
  EXPECT_EQ(refusal(simple(), kPublishedExpires * 1000 - 1), std::nullopt);
  EXPECT_EQ(refusal(simple(), kPublishedExpires * 1000), Errc::request_expired);
  for (const std::string expires : {"", "x", "-1", "1175139620.5", "99999999999999999999"}) {
    ClientRequest request = simple();
    request.query.replace(request.query.find("1175139620"), 10, expires);
    EXPECT_EQ(refusal(request), Errc::access_denied) << expires;
  }
}

TEST_F(Version2, NeedsAllThreeParameters) {
  for (const std::string missing : {"AWSAccessKeyId=", "Expires=", "Signature="}) {
    ClientRequest request = simple();
    request.query.replace(request.query.find(missing), 2, "zz");
    EXPECT_EQ(refusal(request), Errc::access_denied) << missing;
  }
}

TEST_F(Version2, RefusesUnknownKeysOtherSecretsAndTokens) {
  ClientRequest request = simple();
  request.query.replace(request.query.find("AKIA"), 4, "AKIB");
  EXPECT_EQ(refusal(request), Errc::invalid_access_key_id);
  RootCredentialSource others(std::string(kAccessKey), "another secret");
  EXPECT_EQ(authenticate(SignatureAuthenticator(others), simple(), kBefore).code(), Errc::signature_does_not_match);
  request = signed_as("GET\n\n\n1175139620\nx-amz-security-token:t\n/bucket/key",
                      {.path = "/bucket/key", .query = "x-amz-security-token=t"});
  EXPECT_EQ(refusal(request), Errc::invalid_token);
}

TEST_F(Version2, DoesNotReachSubresourcesItCannotSign) {
  for (const std::string name : {"renameObject", "attributes", "legal-hold", "publicAccessBlock", "session"}) {
    ClientRequest request = simple();
    request.query += "&" + name;
    EXPECT_EQ(refusal(request), Errc::access_denied) << name;
  }
}

TEST_F(Version2, IsNotFooledByAParameterInsideAnother) {
  const std::string text = "GET\n\n\n1175139620\n/bucket/key?response-content-type=a&versionId=1";
  EXPECT_EQ(refusal(signed_as(text, {.path = "/bucket/key", .query = "response-content-type=a&versionId=1"})),
            std::nullopt);
  EXPECT_EQ(refusal(signed_as(text, {.path = "/bucket/key", .query = "response-content-type=a%26versionId%3D1"})),
            Errc::access_denied);
  const std::string harmless = "GET\n\n\n1175139620\n/bucket/key?response-content-disposition=a&b";
  EXPECT_EQ(refusal(signed_as(harmless, {.path = "/bucket/key", .query = "response-content-disposition=a%26b"})),
            std::nullopt);
  const std::string lines = "GET\n\n\n1175139620\nx-amz-meta-a:1\nx-amz-meta-b:2\n/bucket/key";
  EXPECT_EQ(refusal(signed_as(lines, {.path = "/bucket/key", .query = "x-amz-meta-a=1%0Ax-amz-meta-b%3A2"})),
            Errc::invalid_argument);
}

TEST_F(Version2, NeverCoversAStream) {
  const std::string text = "PUT\n\n\n1175139620\nx-amz-content-sha256:STREAMING-UNSIGNED-PAYLOAD-TRAILER\n/bucket/key";
  EXPECT_EQ(refusal(signed_as(text, {.method = "PUT", .path = "/bucket/key"})
                        .with("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")),
            Errc::access_denied);
}

TEST_F(Version2, IsOneMechanismAndNoOther) {
  ClientRequest request = simple();
  request.query += "&X-Amz-Algorithm=AWS4-HMAC-SHA256";
  EXPECT_EQ(refusal(request), Errc::invalid_argument);
  request = simple();
  EXPECT_EQ(refusal(request.with("Authorization", "AWS4-HMAC-SHA256 x")), Errc::invalid_argument);
}

/// A client that signs headers.
class Version2Header : public Version2 {
 protected:
  // The moment of AWS's published examples.
  static constexpr UnixMs kPublished = 1'175'024'202'000;
  static ClientRequest signed_as(std::string_view string_to_sign, ClientRequest request) {
    const std::string signature = to_base64(hmac_sha1(kSecretKey, string_to_sign));
    return request.with("Authorization", "AWS " + std::string(kAccessKey) + ":" + signature);
  }
  static ClientRequest dated(std::string date = "Tue, 27 Mar 2007 19:36:42 +0000") {
    return signed_as("GET\n\n\n" + date + "\n/bucket/key", ClientRequest{.path = "/bucket/key"}.with("Date", date));
  }
  std::optional<Errc> refusal(const ClientRequest& request, UnixMs now = kPublished) {
    return ask(request, now).code();
  }
};

TEST_F(Version2Header, AcceptsThePublishedExample) {
  Fields headers;
  headers.insert("Host", "awsexamplebucket1.us-west-1.s3.amazonaws.com");
  headers.insert("Date", "Tue, 27 Mar 2007 19:36:42 +0000");
  headers.insert("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=");
  const Query query;
  const RequestToSign request{.method = "GET",
                              .raw_path = "/photos/puppy.jpg",
                              .raw_query = "",
                              .query = query,
                              .headers = headers,
                              .host_bucket = "awsexamplebucket1"};
  const auto known = authenticator_.authenticate(request, kPublished);
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_EQ(known->mechanism, Mechanism::header_version_2);
  EXPECT_EQ(known->payload, PayloadForm::unsigned_payload);
}

TEST_F(Version2Header, CoversTheDateOrAmazonsOwn) {
  EXPECT_EQ(refusal(dated()), std::nullopt);
  EXPECT_EQ(refusal(dated("Tue, 27 Mar 2007 19:36:42 GMT")), std::nullopt);
  EXPECT_EQ(refusal(dated().replace("Date", "Tue, 27 Mar 2007 19:36:43 +0000")), Errc::signature_does_not_match);
  const std::string text = "GET\n\n\n\nx-amz-date:Tue, 27 Mar 2007 19:36:42 GMT\n/bucket/key";
  EXPECT_EQ(refusal(signed_as(text, ClientRequest{.path = "/bucket/key"}
                                        .with("Date", "whatever")
                                        .with("x-amz-date", "Tue, 27 Mar 2007 19:36:42 GMT"))),
            std::nullopt);
}

TEST_F(Version2Header, IsGoodForAQuarterOfAnHour) {
  constexpr UnixMs kQuarterMs = 15 * 60 * 1000;
  EXPECT_EQ(refusal(dated(), kPublished + kQuarterMs), std::nullopt);
  EXPECT_EQ(refusal(dated(), kPublished + kQuarterMs + 1), Errc::request_time_too_skewed);
  EXPECT_EQ(refusal(dated(), kPublished - kQuarterMs - 1), Errc::request_time_too_skewed);
  EXPECT_EQ(refusal(dated("yesterday")), Errc::access_denied);
  EXPECT_EQ(refusal(dated().remove("Date")), Errc::access_denied);
}

TEST_F(Version2Header, TakesNoHeadersFromTheQuery) {
  ClientRequest request = dated();
  request.query = "x-amz-meta-a=1";
  EXPECT_EQ(refusal(request), std::nullopt) << "they are neither signed nor read";
}

TEST_F(Version2Header, NeedsAKeyAndASignature) {
  for (const std::string wrong : {"AWS x", "AWS :", "AWS AKIAIOSFODNN7EXAMPLE:", "AWS :abc", "AWS  "}) {
    ClientRequest request = dated();
    const auto refused = refusal(request.replace("Authorization", wrong));
    EXPECT_EQ(refused, Errc::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace firn::gateway
