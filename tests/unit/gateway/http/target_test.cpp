#include "http/target.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "http/limits.h"

namespace firn::gateway {
namespace {

using Name = std::pair<std::string, std::string>;

std::optional<Name> decoded(std::string_view path, std::string_view host_bucket = {}) {
  Name name;
  return decode_path(path, host_bucket, name.first, name.second) ? std::optional(name) : std::nullopt;
}

TEST(Target, IsSplitAtTheFirstQuestionMark) {
  const auto target = split_target("/b/k?a=1?b", "h");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->raw_path, "/b/k");
  EXPECT_EQ(target->raw_query, "a=1?b");
  EXPECT_EQ(split_target("/?", "h")->raw_query, "");
}

TEST(Target, MayBeAbsoluteForTheSameHostAlone) {
  EXPECT_EQ(split_target("http://h:9000/b?x", "H:9000")->raw_path, "/b");
  EXPECT_EQ(split_target("HTTPS://h/b?x", "h")->raw_query, "x");
  for (const char* wrong :
       {"http://other/b", "http://h", "http://", "ftp://h/b", "*", "b/k", "", "?x", "h:443", "/b#f"}) {
    EXPECT_EQ(split_target(wrong, "h").code(), Errc::invalid_uri) << wrong;
  }
}

TEST(Path, NamesServiceBucketOrObject) {
  EXPECT_EQ(decoded("/"), Name("", ""));
  EXPECT_EQ(decoded("/b"), Name("b", ""));
  EXPECT_EQ(decoded("/b/"), Name("b", ""));
  EXPECT_EQ(decoded("/b/k"), Name("b", "k"));
  EXPECT_EQ(decoded("/b/a/b/"), Name("b", "a/b/"));
  EXPECT_EQ(decoded("/b%2Fk"), Name("b/k", ""));  // No key of a bucket: a name no bucket has.
}

TEST(Path, KeepsEveryByteOfTheKey) {
  EXPECT_EQ(decoded("/b//"), Name("b", "/"));
  EXPECT_EQ(decoded("/b/./../%2e%2E//x"), Name("b", "./../..//x"));
  EXPECT_EQ(decoded("/b/%2525+%20"), Name("b", "%25+ "));
  EXPECT_EQ(decoded("/b/\xC3\xBC%F0%9F%98%80"), Name("b", "\xC3\xBC\xF0\x9F\x98\x80"));
  EXPECT_EQ(decoded("/b/a%0Ab"), Name("b", "a\nb"));
}

TEST(Path, RefusesBrokenEscapesBytesThatAreNoTextAndNul) {
  for (const char* wrong : {"/b/%", "/b/%1", "/b/%gg", "/b/%ff", "/%ff/k", "/b/%00", "/b/%ed%a0%80", "//k", "//"}) {
    EXPECT_EQ(decoded(wrong), std::nullopt) << wrong;
  }
}

TEST(Path, IsAllKeyInVirtualHostStyle) {
  EXPECT_EQ(decoded("/", "My.Bucket"), Name("my.bucket", ""));
  EXPECT_EQ(decoded("/a/b", "bucket"), Name("bucket", "a/b"));
  EXPECT_EQ(decoded("//", "bucket"), Name("bucket", "/"));
}

TEST(HostBucket, IsWhatStandsBeforeADomain) {
  const std::vector<std::string> domains = {"example.com", "s3.example.com"};
  EXPECT_EQ(bucket_of_host("bucket.example.com", domains), "bucket");
  EXPECT_EQ(bucket_of_host("my.bucket.EXAMPLE.com:9000", domains), "my.bucket");
  EXPECT_EQ(bucket_of_host("bucket.s3.example.com", domains), "bucket");
  EXPECT_EQ(bucket_of_host("s3.example.com", {"s3.example.com"}), "");
  for (const char* none : {"example.com", ".example.com", "bucketexample.com", "bucket.example.org", "127.0.0.1:9000",
                           "[::1]", "[::1]:9000", "localhost", ""}) {
    EXPECT_EQ(bucket_of_host(none, domains), "") << none;
  }
}

TEST(QueryString, KeepsOrderAndTellsEmptyFromMissingValues) {
  const auto query = parse_query("b=2&acl&prefix=&a=x%26y+z&&b=3");
  ASSERT_TRUE(query);
  const auto& parameters = query->parameters();
  ASSERT_EQ(parameters.size(), 5u);
  EXPECT_EQ(parameters[0].name, "b");
  EXPECT_FALSE(parameters[1].has_value);
  EXPECT_TRUE(parameters[2].has_value);
  EXPECT_EQ(parameters[2].value, "");
  EXPECT_EQ(parameters[3].value, "x&y z");
  EXPECT_EQ(*query->find("b"), "2");
}

TEST(QueryString, RefusesWhatIsNoTextAndTooMany) {
  for (const char* wrong : {"a=%", "a=%ff", "%00=a", "a=%zz"})
    EXPECT_EQ(parse_query(wrong).code(), Errc::invalid_uri) << wrong;
  std::string many;
  for (std::size_t i = 0; i <= limits::kQueryParametersMax; ++i) many += "a&";
  EXPECT_EQ(parse_query(many).code(), Errc::invalid_uri);
}

}  // namespace
}  // namespace firn::gateway
