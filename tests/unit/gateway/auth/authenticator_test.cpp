#include "auth/authenticator.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "auth/claim.h"
#include "firn/base/digest.h"
#include "signed_request.h"

namespace firn::gateway {
namespace {

using namespace test;

constexpr UnixMs kSecondMs = 1000;
constexpr UnixMs kMinuteMs = 60 * kSecondMs;
const std::string kUsualHeaders = "host;x-amz-content-sha256;x-amz-date";

class Authentication : public testing::Test {
 protected:
  Result<Authenticated> ask(const ClientRequest& request, UnixMs now = kThen) {
    return authenticate(authenticator_, request, now);
  }
  std::optional<Errc> refusal(const ClientRequest& request, UnixMs now = kThen) { return ask(request, now).code(); }

  static ClientRequest usual(std::string method = "GET", std::string path = "/bucket/key") {
    ClientRequest request{.method = std::move(method), .path = std::move(path)};
    request.with("Host", "127.0.0.1:9000").with("x-amz-date", std::string(kAmzDate));
    return request.with("x-amz-content-sha256", std::string(kEmptySha256));
  }
  static ClientRequest usual_signed() {
    ClientRequest request = usual();
    sign_header(request, kUsualHeaders);
    return request;
  }

  RootCredentialSource credentials_{std::string(kAccessKey), std::string(kSecretKey)};
  SignatureAuthenticator authenticator_{credentials_};
};

std::string authorization(std::string_view signed_headers, std::string_view signature) {
  return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" +
         std::string(signed_headers) + ",Signature=" + std::string(signature);
}

// AWS's published examples for S3.

TEST_F(Authentication, AcceptsThePublishedRangeGet) {
  ClientRequest request{.method = "GET", .path = "/test.txt"};
  request.with("Host", "examplebucket.s3.amazonaws.com").with("Range", "bytes=0-9");
  request.with("x-amz-content-sha256", std::string(kEmptySha256)).with("x-amz-date", std::string(kAmzDate));
  request.with("Authorization", authorization("host;range;x-amz-content-sha256;x-amz-date",
                                              "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  const auto authenticated = ask(request);
  ASSERT_TRUE(authenticated) << authenticated.error().detail;
  EXPECT_EQ(authenticated->payload, PayloadForm::sha256);
  EXPECT_EQ(authenticated->payload_sha256, sha256({}));
  EXPECT_EQ(authenticated->credential->identity.access_key, kAccessKey);
  EXPECT_FALSE(authenticated->chunk_seed);
}

TEST_F(Authentication, AcceptsThePublishedPutWhosePathIsSentUnencoded) {
  ClientRequest request{.method = "PUT", .path = "/test$file.text"};
  request.with("Host", "examplebucket.s3.amazonaws.com").with("Date", "Fri, 24 May 2013 00:00:00 GMT");
  request.with("x-amz-date", std::string(kAmzDate)).with("x-amz-storage-class", "REDUCED_REDUNDANCY");
  request.with("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  request.with("Authorization", authorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                                              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
  EXPECT_EQ(refusal(request), std::nullopt);
}

TEST_F(Authentication, AcceptsThePublishedSubresourceAndListing) {
  for (const auto& [query, signature] :
       {std::pair("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        std::pair("max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")}) {
    ClientRequest request{.method = "GET", .path = "/", .query = query};
    request.with("Host", "examplebucket.s3.amazonaws.com").with("x-amz-date", std::string(kAmzDate));
    request.with("x-amz-content-sha256", std::string(kEmptySha256));
    request.with("Authorization", authorization(kUsualHeaders, signature));
    EXPECT_EQ(refusal(request), std::nullopt) << query;
  }
}

TEST_F(Authentication, AcceptsThePublishedPresignedGet) {
  ClientRequest request{.method = "GET", .path = "/test.txt", .query = presigned_query("86400")};
  request.query += "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  request.with("Host", "examplebucket.s3.amazonaws.com");
  const auto authenticated = ask(request);
  ASSERT_TRUE(authenticated) << authenticated.error().detail;
  EXPECT_EQ(authenticated->payload, PayloadForm::unsigned_payload);
}

TEST_F(Authentication, GivesTheSeedOfThePublishedStreamingPut) {
  ClientRequest request{.method = "PUT", .path = "/examplebucket/chunkObject.txt"};
  request.with("Host", "s3.amazonaws.com").with("x-amz-date", std::string(kAmzDate));
  request.with("x-amz-storage-class", "REDUCED_REDUNDANCY").with("Content-Encoding", "aws-chunked");
  request.with("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  request.with("x-amz-decoded-content-length", "66560").with("Content-Length", "66824");
  const std::string signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  request.with("Authorization", authorization("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
                                              "x-amz-decoded-content-length;x-amz-storage-class",
                                              signature));
  const auto authenticated = ask(request);
  ASSERT_TRUE(authenticated) << authenticated.error().detail;
  EXPECT_EQ(authenticated->payload, PayloadForm::streaming_signed);
  ASSERT_TRUE(authenticated->chunk_seed);
  EXPECT_EQ(authenticated->chunk_seed->signature, signature);
  EXPECT_EQ(authenticated->chunk_seed->scope, kScope);
}

// What any change to a signed request comes to.

TEST_F(Authentication, RefusesASignatureThatIsNotTheRequests) {
  const std::vector<std::pair<const char*, std::function<void(ClientRequest&)>>> changes = {
      {"method", [](ClientRequest& r) { r.method = "DELETE"; }},
      {"path", [](ClientRequest& r) { r.path = "/bucket/other"; }},
      {"query", [](ClientRequest& r) { r.query = "versionId=1"; }},
      {"host", [](ClientRequest& r) { r.replace("Host", "127.0.0.1:9001"); }},
      {"payload", [](ClientRequest& r) { r.replace("x-amz-content-sha256", "UNSIGNED-PAYLOAD"); }},
      {"date", [](ClientRequest& r) { r.replace("x-amz-date", "20130524T000001Z"); }},
      {"signature",
       [](ClientRequest& r) { r.replace("Authorization", authorization(kUsualHeaders, std::string(64, '0'))); }},
      {"short", [](ClientRequest& r) { r.replace("Authorization", authorization(kUsualHeaders, "00")); }},
  };
  ASSERT_EQ(refusal(usual_signed()), std::nullopt);
  for (const auto& [what, change] : changes) {
    ClientRequest request = usual_signed();
    change(request);
    EXPECT_EQ(refusal(request), Errc::signature_does_not_match) << what;
  }
}

TEST_F(Authentication, TellsAnUnknownKeyFromAWrongSecret) {
  ClientRequest wrong_secret = usual();
  sign_header(wrong_secret, kUsualHeaders, "not the secret");
  EXPECT_EQ(refusal(wrong_secret), Errc::signature_does_not_match);
  ClientRequest unknown = usual_signed();
  std::string text = unknown.headers.back().second;
  unknown.replace("Authorization", text.replace(text.find("AKIA"), 4, "XKIA"));
  EXPECT_EQ(refusal(unknown), Errc::invalid_access_key_id);
}

TEST_F(Authentication, FollowsASecretThatIsReplacedWhileServing) {
  ASSERT_EQ(refusal(usual_signed()), std::nullopt);
  credentials_.replace(std::string(kAccessKey), "another secret");
  EXPECT_EQ(refusal(usual_signed()), Errc::signature_does_not_match);
  ClientRequest request = usual();
  sign_header(request, kUsualHeaders, "another secret");
  EXPECT_EQ(refusal(request), std::nullopt);
}

TEST_F(Authentication, DeniesAnonymousRequests) {
  EXPECT_EQ(refusal(usual()), Errc::access_denied);
  EXPECT_EQ(refusal(ClientRequest{}), Errc::access_denied);
}

TEST_F(Authentication, RefusesTwoMechanismsAtOnce) {
  ClientRequest request = usual_signed();
  request.query = presigned_query("60") + "&X-Amz-Signature=00";
  EXPECT_EQ(refusal(request), Errc::invalid_argument);
}

TEST_F(Authentication, NamesWhatIsWrongWithAnAuthorizationHeader) {
  const std::string scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
  const std::vector<std::pair<std::string, Errc>> cases = {
      {"Bearer token", Errc::invalid_argument},
      {"AWS4-HMAC-SHA256", Errc::invalid_argument},
      {"AWS4-HMAC-SHA256X Credential=" + scope, Errc::invalid_argument},
      {"AWS4-HMAC-SHA256 Credential=" + scope, Errc::authorization_header_malformed},
      {"AWS4-HMAC-SHA256 Credential=" + scope + ",SignedHeaders=host", Errc::authorization_header_malformed},
      {"AWS4-HMAC-SHA256 Credential=" + scope + ",Signature=00", Errc::authorization_header_malformed},
      {"AWS4-HMAC-SHA256 SignedHeaders=host,Signature=00", Errc::authorization_header_malformed},
      {"AWS4-HMAC-SHA256 nonsense", Errc::authorization_header_malformed},
      {"AWS4-HMAC-SHA256 Credential=x,SignedHeaders=host,Signature=0", Errc::authorization_header_malformed},
      {"AWS4-HMAC-SHA256 Credential=/20130524/r/s3/aws4_request,SignedHeaders=host,Signature=0",
       Errc::authorization_header_malformed},
      {"AWS4-HMAC-SHA256 Credential=A/20130524/r/iam/aws4_request,SignedHeaders=host,Signature=0",
       Errc::authorization_header_malformed},
      {"AWS4-HMAC-SHA256 Credential=A/20130525/r/s3/aws4_request,SignedHeaders=host,Signature=0",
       Errc::authorization_header_malformed},
  };
  for (const auto& [text, code] : cases) {
    ClientRequest request = usual();
    request.with("Authorization", text);
    EXPECT_EQ(refusal(request), code) << text;
  }
}

TEST_F(Authentication, TakesAnyRegionThatIsTheSameThroughout) {
  ClientRequest request = usual();
  const std::string scope = "20130524/mars-north-7/s3/aws4_request";
  std::string to_sign;
  append_string_to_sign(to_sign, SigningTime::from_amz_date(kAmzDate).value(), scope,
                        canonical_form(request, kUsualHeaders, kEmptySha256));
  const std::string signature = sign(derive_signing_key(kSecretKey, parse_scope(scope).value()), to_sign);
  const auto with_region = [&](std::string_view region) {
    ClientRequest sent = request;
    return sent.with("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/" +
                                          std::string(region) + "/s3/aws4_request, SignedHeaders=" + kUsualHeaders +
                                          ", Signature=" + signature);
  };
  EXPECT_EQ(refusal(with_region("mars-north-7")), std::nullopt);
  EXPECT_EQ(refusal(with_region("us-east-1")), Errc::signature_does_not_match);
}

TEST_F(Authentication, AllowsClocksToDifferByFifteenMinutesToTheSecond) {
  const UnixMs allowed = 15 * kMinuteMs;
  EXPECT_EQ(refusal(usual_signed(), kThen + allowed), std::nullopt);
  EXPECT_EQ(refusal(usual_signed(), kThen - allowed), std::nullopt);
  EXPECT_EQ(refusal(usual_signed(), kThen + allowed + kSecondMs), Errc::request_time_too_skewed);
  EXPECT_EQ(refusal(usual_signed(), kThen - allowed - kSecondMs), Errc::request_time_too_skewed);
}

TEST_F(Authentication, TakesTheDateHeaderWhereTheAmzDateIsMissing) {
  ClientRequest request = usual();
  request.remove("x-amz-date").with("Date", "Fri, 24 May 2013 00:00:00 GMT");
  sign_header(request, "date;host;x-amz-content-sha256");
  EXPECT_EQ(refusal(request), std::nullopt);
  EXPECT_EQ(refusal(request.replace("Date", "yesterday")), Errc::access_denied);
  EXPECT_EQ(refusal(request.remove("Date")), Errc::access_denied);
}

TEST_F(Authentication, RefusesHeadersThatMatterAndAreNotSigned) {
  ClientRequest no_host = usual();
  sign_header(no_host, "x-amz-content-sha256;x-amz-date");
  EXPECT_EQ(refusal(no_host), Errc::access_denied);
  ClientRequest added = usual_signed();
  added.with("X-Amz-Copy-Source", "/bucket/secret");
  EXPECT_EQ(refusal(added), Errc::access_denied);
  ClientRequest other = usual_signed();
  other.with("User-Agent", "any");
  EXPECT_EQ(refusal(other), std::nullopt);
}

TEST_F(Authentication, NeedsThePayloadHeader) {
  ClientRequest request = usual();
  request.remove("x-amz-content-sha256");
  sign_header(request, "host;x-amz-date");
  EXPECT_EQ(refusal(request), Errc::invalid_request);
  ClientRequest nonsense = usual();
  nonsense.replace("x-amz-content-sha256", "abc");
  sign_header(nonsense, kUsualHeaders);
  EXPECT_EQ(refusal(nonsense), Errc::invalid_argument);
}

TEST_F(Authentication, TakesAnEmptyTokenForNoneAndRefusesOthers) {
  const std::string with_token = kUsualHeaders + ";x-amz-security-token";
  ClientRequest empty = usual();
  empty.with("x-amz-security-token", "");
  ClientRequest empty_signed = empty;
  sign_header(empty_signed, with_token);
  EXPECT_EQ(refusal(empty_signed), std::nullopt);
  sign_header(empty, kUsualHeaders);
  EXPECT_EQ(refusal(empty), std::nullopt);
  ClientRequest token = usual();
  token.with("x-amz-security-token", "FwoGZXIvYXdzEBY");
  sign_header(token, with_token);
  EXPECT_EQ(refusal(token), Errc::invalid_token);
  ClientRequest in_query{.query = presigned_query("60") + "&X-Amz-Security-Token=FwoGZXIvYXdzEBY"};
  in_query.with("Host", "h");
  sign_query(in_query, "host");
  EXPECT_EQ(refusal(in_query), Errc::invalid_token);
}

TEST_F(Authentication, FindsASignatureOverThePathAsSent) {
  ClientRequest request = usual("GET", "/bucket/a%2fb");
  std::string to_sign;
  append_string_to_sign(to_sign, SigningTime::from_amz_date(kAmzDate).value(), kScope,
                        canonical_form(request, kUsualHeaders, kEmptySha256, PathSpelling::as_sent));
  const std::string signature = sign(derive_signing_key(kSecretKey, parse_scope(kScope).value()), to_sign);
  request.with("Authorization", authorization(kUsualHeaders, signature));
  EXPECT_EQ(refusal(request), std::nullopt);
}

// Presigned requests.

class Presigned : public Authentication {
 protected:
  static ClientRequest presigned(std::string_view expires = "86400", std::string method = "GET") {
    ClientRequest request{.method = std::move(method), .path = "/bucket/key", .query = presigned_query(expires)};
    request.with("Host", "127.0.0.1:9000");
    sign_query(request, "host");
    return request;
  }
};

TEST_F(Presigned, AreValidFromTheirDateUntilTheyExpireAsOftenAsTheyAreSent) {
  EXPECT_EQ(refusal(presigned("60")), std::nullopt);
  EXPECT_EQ(refusal(presigned("60"), kThen + kMinuteMs), std::nullopt);
  EXPECT_EQ(refusal(presigned("60"), kThen + kMinuteMs), std::nullopt);
  EXPECT_EQ(refusal(presigned("60"), kThen + kMinuteMs + kSecondMs), Errc::request_expired);
  EXPECT_EQ(ask(presigned("60"), kThen + 2 * kMinuteMs).error().message, "Request has expired");
}

TEST_F(Presigned, MayBeDatedAheadByTheSkewAlone) {
  EXPECT_EQ(refusal(presigned(), kThen - 15 * kMinuteMs), std::nullopt);
  EXPECT_EQ(refusal(presigned(), kThen - 15 * kMinuteMs - kSecondMs), Errc::access_denied);
}

TEST_F(Presigned, LiveSevenDaysAtMost) {
  EXPECT_EQ(refusal(presigned("604800")), std::nullopt);
  for (const char* wrong : {"604801", "99999999999999999999", "-1", "", "1.5", "60s", "abc"}) {
    EXPECT_EQ(refusal(presigned(wrong)), Errc::authorization_query_parameters_error) << wrong;
  }
}

TEST_F(Presigned, AreBoundToMethodHostPathAndQuery) {
  ClientRequest request = presigned();
  request.method = "PUT";
  EXPECT_EQ(refusal(request), Errc::signature_does_not_match);
  request = presigned();
  request.replace("Host", "elsewhere");
  EXPECT_EQ(refusal(request), Errc::signature_does_not_match);
  request = presigned();
  request.path = "/bucket/key2";
  EXPECT_EQ(refusal(request), Errc::signature_does_not_match);
  request = presigned();
  request.query += "&response-content-type=text/html";
  EXPECT_EQ(refusal(request), Errc::signature_does_not_match);
}

TEST_F(Presigned, NeedTheHostAmongTheSignedHeaders) {
  ClientRequest request{.path = "/bucket/key", .query = presigned_query("60", "x-other")};
  request.with("Host", "h").with("x-other", "1");
  sign_query(request, "x-other");
  EXPECT_EQ(refusal(request), Errc::access_denied);
}

TEST_F(Presigned, CoverTheHeadersTheyName) {
  ClientRequest request{.path = "/bucket/key", .query = presigned_query("60", "host;x-amz-meta-a")};
  request.with("Host", "h").with("x-amz-meta-a", "1");
  sign_query(request, "host;x-amz-meta-a");
  EXPECT_EQ(refusal(request), std::nullopt);
  EXPECT_EQ(refusal(ClientRequest(request).replace("x-amz-meta-a", "2")), Errc::signature_does_not_match);
  EXPECT_EQ(refusal(ClientRequest(request).remove("x-amz-meta-a")), Errc::signature_does_not_match);
  EXPECT_EQ(refusal(ClientRequest(request).with("x-amz-meta-b", "1")), Errc::access_denied);
}

TEST_F(Presigned, NeedEveryParameter) {
  for (const char* name : {"X-Amz-Algorithm=", "X-Amz-Credential=", "X-Amz-Date=", "X-Amz-Expires=",
                           "X-Amz-SignedHeaders=", "X-Amz-Signature="}) {
    ClientRequest request = presigned();
    const std::size_t at = request.query.find(name);
    request.query.replace(at, 5, "X-Xxx");
    EXPECT_EQ(refusal(request), Errc::authorization_query_parameters_error) << name;
  }
}

TEST_F(Presigned, NeverCarryAStreamingPayload) {
  for (const char* form : {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                           "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"}) {
    ClientRequest in_header{
        .method = "PUT", .path = "/b/k", .query = presigned_query("60", "host;x-amz-content-sha256")};
    in_header.with("Host", "h").with("x-amz-content-sha256", form);
    sign_query(in_header, "host;x-amz-content-sha256", form);
    EXPECT_EQ(refusal(in_header), Errc::access_denied) << form;
    ClientRequest in_query{
        .method = "PUT", .path = "/b/k", .query = presigned_query("60") + "&X-Amz-Content-Sha256=" + form};
    in_query.with("Host", "h");
    sign_query(in_query, "host", form);
    EXPECT_EQ(refusal(in_query), Errc::access_denied) << form;
  }
}

}  // namespace
}  // namespace firn::gateway
