#include "auth/signature_v4.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "firn/base/digest.h"
#include "signed_request.h"

namespace firn::gateway {
namespace {

using test::canonical_form;
using test::ClientRequest;
using test::kEmptySha256;

/// AWS's general test suite ("get-vanilla" and its family), those cases whose rules S3 shares: no path normalisation.
struct Vector {
  std::string name, method, path, query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string signed_headers, signature;
};
void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.name; }

constexpr std::string_view kSuiteScope = "20150830/us-east-1/service/aws4_request";
constexpr std::string_view kSuiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kSuiteDate = "20150830T123600Z";

class AwsTestSuite : public testing::TestWithParam<Vector> {};

TEST_P(AwsTestSuite, GivesThePublishedSignature) {
  const Vector& vector = GetParam();
  ClientRequest request{.method = vector.method, .path = vector.path, .query = vector.query, .headers = vector.headers};
  request.with("X-Amz-Date", std::string(kSuiteDate));
  const std::string canonical = canonical_form(request, vector.signed_headers, kEmptySha256);
  std::string to_sign;
  append_string_to_sign(to_sign, SigningTime::from_amz_date(kSuiteDate).value(), kSuiteScope, canonical);
  EXPECT_EQ(sign(derive_signing_key(kSuiteSecret, parse_scope(kSuiteScope).value()), to_sign), vector.signature)
      << canonical;
}

const std::pair<std::string, std::string> kHost = {"Host", "example.amazonaws.com"};
const std::string kHostAndDate = "host;x-amz-date";

INSTANTIATE_TEST_SUITE_P(
    Published, AwsTestSuite,
    testing::Values(Vector{"get_vanilla",
                           "GET",
                           "/",
                           "",
                           {kHost},
                           kHostAndDate,
                           "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
                    Vector{"post_vanilla",
                           "POST",
                           "/",
                           "",
                           {kHost},
                           kHostAndDate,
                           "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
                    Vector{"post_vanilla_query",
                           "POST",
                           "/",
                           "Param1=value1",
                           {kHost},
                           kHostAndDate,
                           "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
                    Vector{"get_vanilla_query_order_key_case",
                           "GET",
                           "/",
                           "Param2=value2&Param1=value1",
                           {kHost},
                           kHostAndDate,
                           "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
                    Vector{"get_vanilla_query_unreserved",
                           "GET",
                           "/",
                           "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
                           "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                           {kHost},
                           kHostAndDate,
                           "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
                    Vector{"get_vanilla_utf8_query",
                           "GET",
                           "/",
                           "\xE1\x88\xB4=bar",
                           {kHost},
                           kHostAndDate,
                           "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
                    Vector{"get_unreserved",
                           "GET",
                           "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                           "",
                           {kHost},
                           kHostAndDate,
                           "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
                    Vector{"get_utf8",
                           "GET",
                           "/\xE1\x88\xB4",
                           "",
                           {kHost},
                           kHostAndDate,
                           "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
                    Vector{"get_header_value_trim",
                           "GET",
                           "/",
                           "",
                           {kHost, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
                           "host;my-header1;my-header2;x-amz-date",
                           "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
                    Vector{"get_header_key_duplicate",
                           "GET",
                           "/",
                           "",
                           {kHost, {"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
                           "host;my-header1;x-amz-date",
                           "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"}),
    [](const auto& vector) { return vector.param.name; });

TEST(CanonicalRequest, IsThePublishedOneForARangeGet) {
  ClientRequest request{.method = "GET", .path = "/test.txt"};
  request.with("Host", "examplebucket.s3.amazonaws.com").with("Range", "bytes=0-9");
  request.with("x-amz-content-sha256", std::string(kEmptySha256)).with("x-amz-date", std::string(test::kAmzDate));
  const std::string canonical = canonical_form(request, "host;range;x-amz-content-sha256;x-amz-date", kEmptySha256);
  EXPECT_EQ(to_hex(sha256(as_bytes(canonical))), "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
}

TEST(CanonicalRequest, EncodesThePathOnceAndNormalisesNothing) {
  const auto path_line = [](std::string path, PathSpelling spelling) {
    const std::string canonical = canonical_form({.path = std::move(path)}, "", "", spelling);
    const std::size_t begin = canonical.find('\n') + 1;
    return canonical.substr(begin, canonical.find('\n', begin) - begin);
  };
  const auto reencoded = PathSpelling::reencoded;
  EXPECT_EQ(path_line("/b/a//b/../c/./d/", reencoded), "/b/a//b/../c/./d/");
  EXPECT_EQ(path_line("/b/a%2fb", reencoded), "/b/a/b");
  EXPECT_EQ(path_line("/b/a%2fb", PathSpelling::as_sent), "/b/a%2fb");
  EXPECT_EQ(path_line("/b/a%252Fb", reencoded), "/b/a%252Fb");
  EXPECT_EQ(path_line("/b/a+b c", reencoded), "/b/a%2Bb%20c");
  EXPECT_EQ(path_line("/b/%41%7e%c3%bc", reencoded), "/b/A~%C3%BC");
  EXPECT_EQ(path_line("/b/(x)=1,2:3@4!", reencoded), "/b/%28x%29%3D1%2C2%3A3%404%21");
}

TEST(CanonicalRequest, SortsAndReencodesTheQueryAndLeavesOutTheSignature) {
  const auto query_line = [](std::string query) {
    const std::string canonical = canonical_form({.query = std::move(query)}, "", "");
    const std::size_t begin = canonical.find('\n', canonical.find('\n') + 1) + 1;
    return canonical.substr(begin, canonical.find('\n', begin) - begin);
  };
  EXPECT_EQ(query_line("b=2&a=1&B=3"), "B=3&a=1&b=2");
  EXPECT_EQ(query_line("a=2&a=1&a"), "a=&a=1&a=2");
  EXPECT_EQ(query_line("prefix=a/b+c%20d&X-Amz-Signature=00&&delimiter=%2f"), "delimiter=%2F&prefix=a%2Fb%20c%20d");
  EXPECT_EQ(query_line("k=a=b&lifecycle"), "k=a%3Db&lifecycle=");
  EXPECT_EQ(query_line("a1=x&a=y&a%3D=z"), "a=y&a%3D=z&a1=x");
}

TEST(CanonicalRequest, RefusesAListThatNamesAHeaderOverAndOver) {
  const std::string value(20'000, 'v');
  Fields fields;
  fields.insert("x-long", boost::beast::string_view(value.data(), value.size()));
  std::string names = "x-long";
  for (int i = 0; i < 100; ++i) names += ";x-long";
  const Query query;
  std::string canonical;
  EXPECT_FALSE(append_canonical_request(canonical, {"GET", "/", "", query, fields}, names, "", PathSpelling::as_sent));
}

TEST(Scope, HasFourPartsAndTheFixedEnd) {
  EXPECT_EQ(parse_scope("20130524/eu-west-3/s3/aws4_request").value().region, "eu-west-3");
  for (const char* wrong : {"", "20130524", "20130524/r/s3", "20130524/r/s3/aws4", "20130524//s3/aws4_request",
                            "20130524/r/s3/aws4_request/x", "/r/s3/aws4_request"}) {
    EXPECT_FALSE(parse_scope(wrong)) << wrong;
  }
}

TEST(SigningKeys, AreRememberedByCredentialAndScope) {
  SigningKeyCache cache;
  const CredentialScope monday = parse_scope("20130524/us-east-1/s3/aws4_request").value();
  const CredentialScope tuesday = parse_scope("20130525/us-east-1/s3/aws4_request").value();
  cache.remember(7, monday, derive_signing_key("secret", monday));
  ASSERT_NE(cache.find(7, monday), nullptr);
  EXPECT_EQ(*cache.find(7, monday), derive_signing_key("secret", monday));
  EXPECT_EQ(cache.find(7, tuesday), nullptr);
  EXPECT_EQ(cache.find(8, monday), nullptr);
}

}  // namespace
}  // namespace firn::gateway
