// The pure functions: ranges, conditions, dates, tokens, names in headers.
#include <gtest/gtest.h>

#include "firn/base/digest.h"
#include "s3/conditions.h"
#include "s3/copy_source.h"
#include "s3/list_token.h"
#include "s3/object_headers.h"
#include "s3/ranges.h"
#include "s3/s3_errors.h"
#include "s3/tagging.h"
#include "s3/timestamps.h"
#include "s3/url_code.h"

namespace firn::gateway {
namespace {

using Asked = std::optional<ByteRange>;

Asked range_of(std::string_view header, std::uint64_t size) {
  const auto range = resolve_range(header, size);
  EXPECT_TRUE(range) << header;
  return range.value_or(std::nullopt);
}

TEST(Range, TakesEveryForm) {
  EXPECT_EQ(range_of("bytes=0-4", 10), Asked({0, 5}));
  EXPECT_EQ(range_of("bytes=4-7", 11), Asked({4, 4}));
  EXPECT_EQ(range_of("bytes=5-", 10), Asked({5, 5}));
  EXPECT_EQ(range_of("bytes=-3", 10), Asked({7, 3}));
  EXPECT_EQ(range_of("bytes=-30", 10), Asked({0, 10}));
  EXPECT_EQ(range_of("bytes=9-9", 10), Asked({9, 1}));
  EXPECT_EQ(range_of("bytes=5-500", 10), Asked({5, 5}));
  EXPECT_EQ(range_of("bytes=0-99999999999999999999999", 10), Asked({0, 10}));
  EXPECT_EQ(range_of("Bytes = 0 - 4", 10), Asked({0, 5}));
}

TEST(Range, IsIgnoredWhenItIsNone) {
  for (const char* header : {"", "0-4", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,3-4",
                             "items=0-4", "bytes=1", "bytes=--3", "bytes=+1-2", "bytes=0x0-4"}) {
    EXPECT_EQ(range_of(header, 10), std::nullopt) << header;
  }
}

TEST(Range, CannotBeSatisfiedBeyondTheEnd) {
  for (const char* header : {"bytes=10-", "bytes=10-11", "bytes=99999999999999999999-", "bytes=-0"}) {
    EXPECT_EQ(resolve_range(header, 10).code(), Errc::invalid_range) << header;
  }
  EXPECT_EQ(resolve_range("bytes=0-", 0).code(), Errc::invalid_range);
  EXPECT_EQ(resolve_range("bytes=-1", 0).code(), Errc::invalid_range);
}

TEST(CopyRange, IsExactOrRefused) {
  EXPECT_EQ(*resolve_copy_range("bytes=0-4", 5), (ByteRange{0, 5}));
  EXPECT_EQ(resolve_copy_range("bytes=0-5", 5).code(), Errc::invalid_range);
  for (const char* header : {"0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5",
                             "bytes=1-", "bytes=-1"}) {
    EXPECT_EQ(resolve_copy_range(header, 5).code(), Errc::invalid_argument) << header;
  }
}

metadata::Object object_of(std::string etag, UnixMs modified_ms) {
  metadata::Object object;
  object.etag = std::move(etag);
  object.modified_ms = modified_ms;
  return object;
}

// RFC 7232, section 6.
TEST(Conditions, AreHeldInTheOrderOfTheRfc) {
  const auto object = object_of("abc", 10'500);
  const UnixMs before = 9'000, same = 10'000, after = 11'000;
  const auto code = [&](ReadConditions conditions) { return check_conditions(conditions, object).code(); };
  EXPECT_EQ(code({}), std::nullopt);
  EXPECT_EQ(code({.if_match = "\"abc\""}), std::nullopt);
  EXPECT_EQ(code({.if_match = "\"other\""}), Errc::precondition_failed);
  EXPECT_EQ(code({.if_match = "*"}), std::nullopt);
  EXPECT_EQ(code({.if_unmodified_since = before}), Errc::precondition_failed);
  EXPECT_EQ(code({.if_unmodified_since = same}), std::nullopt) << "an HTTP date has no milliseconds";
  EXPECT_EQ(code({.if_match = "abc", .if_unmodified_since = before}), std::nullopt) << "If-Match outranks it";
  EXPECT_EQ(code({.if_none_match = "\"abc\""}), Errc::not_modified);
  EXPECT_EQ(code({.if_none_match = "*"}), Errc::not_modified);
  EXPECT_EQ(code({.if_none_match = "\"other\""}), std::nullopt);
  EXPECT_EQ(code({.if_modified_since = same}), Errc::not_modified);
  EXPECT_EQ(code({.if_modified_since = before}), std::nullopt);
  EXPECT_EQ(code({.if_none_match = "\"other\"", .if_modified_since = after}), std::nullopt)
      << "If-None-Match outranks it";
  EXPECT_EQ(code({.if_match = "\"other\"", .if_none_match = "\"abc\""}), Errc::precondition_failed);
}

TEST(Conditions, OfACopysSourceAlwaysFailWith412) {
  const auto object = object_of("abc", 10'500);
  const auto failed = check_conditions({.if_none_match = "abc", .prefix = "x-amz-copy-source-"}, object);
  ASSERT_EQ(failed.code(), Errc::precondition_failed);
  EXPECT_EQ(failed.error().detail, "x-amz-copy-source-If-None-Match");
  EXPECT_EQ(check_conditions({.if_modified_since = 20'000, .prefix = "x-amz-copy-source-"}, object).code(),
            Errc::precondition_failed);
}

TEST(Conditions, ReadListsAndWeakTags) {
  EXPECT_TRUE(names_etag("\"a\", \"b\"", "b"));
  EXPECT_TRUE(names_etag("W/\"b\"", "b"));
  EXPECT_TRUE(names_etag("b", "b"));
  EXPECT_TRUE(names_etag("\"a\", *", "b"));
  EXPECT_FALSE(names_etag("\"a\", \"c\"", "b"));
  EXPECT_FALSE(names_etag("", "b"));
}

TEST(Date, IsWrittenAsS3AndHttpWriteIt) {
  EXPECT_EQ(iso8601(784'111'777'042), "1994-11-06T08:49:37.042Z");
  EXPECT_EQ(http_date(784'111'777'042), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(1'709'164'800'000), "Thu, 29 Feb 2024 00:00:00 GMT");
  EXPECT_EQ(iso8601(0), "1970-01-01T00:00:00.000Z");
}

TEST(Date, IsReadInEverySpelling) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z", "1994-11-06T08:49:37.999Z"}) {
    EXPECT_EQ(parse_date(text), 784'111'777'000) << text;
  }
  EXPECT_EQ(parse_date("Sun Nov 16 08:49:37 1994"), 784'975'777'000);
}

TEST(Date, IsNoneWhenItIsNonsense) {
  for (const char* text :
       {"", "yesterday", "Sun, 06 Nov 1994", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT.", "1994-13-06T08:49:37Z", "784111777"}) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
}

TEST(ListToken, ComesBackAsItWas) {
  for (const std::string& key : {std::string("a"), std::string("a/b c+\n\x01"), std::string(1024, '\xFF')}) {
    const std::string token = encode_list_token(key);
    EXPECT_EQ(token.find_first_of("+/ "), std::string::npos);
    EXPECT_EQ(*decode_list_token(token), key);
  }
}

TEST(ListToken, IsRefusedWhenItIsNotOurs) {
  const std::string token = encode_list_token("some/key");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(decode_list_token(changed)) << i;
  }
  for (const std::string& text :
       {std::string(), std::string("some/key"), std::string("AAAA"), std::string(5'000, 'A')}) {
    EXPECT_EQ(decode_list_token(text).code(), Errc::invalid_argument);
  }
}

TEST(UrlEncoding, LeavesWhatS3Leaves) {
  EXPECT_EQ(url_encode_listing("foo+1/bar"), "foo%2B1/bar");
  EXPECT_EQ(url_encode_listing("quux ab"), "quux%20ab") << "never a plus sign";
  EXPECT_EQ(url_encode_listing("a-b_c.d~e*f"), "a-b_c.d~e*f");
  EXPECT_EQ(url_encode_listing("\xC3\xA9&%\n"), "%C3%A9%26%25%0A");
}

TEST(CopySource, IsAPathWithOrWithoutSlash) {
  for (const char* header : {"bucket/a/b", "/bucket/a/b", "bucket%2Fa%2Fb", "bucket/a/b?versionId=null"}) {
    const auto source = parse_copy_source(header);
    ASSERT_TRUE(source) << header;
    EXPECT_EQ(source->bucket, "bucket");
    EXPECT_EQ(source->key, "a/b");
  }
  EXPECT_EQ(parse_copy_source("bucket/a%20b%2Bc+d")->key, "a b+c d");
  EXPECT_EQ(parse_copy_source("bucket/%3FversionId")->key, "?versionId");
}

TEST(CopySource, IsRefusedWithoutAKey) {
  for (const char* header : {"", "/", "bucket", "bucket/", "/bucket/", "//key", "bucket/%zz"}) {
    EXPECT_EQ(parse_copy_source(header).code(), Errc::invalid_argument) << header;
  }
  EXPECT_EQ(parse_copy_source("bucket/key?versionId=3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrH").code(), Errc::no_such_version);
}

TEST(RenameSource, IsAKeyWithOrWithoutItsBucket) {
  EXPECT_EQ(*parse_rename_source("/old%20name.txt", "bucket"), "old name.txt");
  EXPECT_EQ(*parse_rename_source("old", "bucket"), "old");
  EXPECT_EQ(*parse_rename_source("/bucket/a/b", "bucket"), "a/b");
  EXPECT_EQ(*parse_rename_source("/bucket", "bucket"), "bucket");
  EXPECT_FALSE(parse_rename_source("%zz", "bucket"));
  EXPECT_FALSE(parse_rename_source("/", "bucket"));
}

TEST(Tags, AreReadFromTheHeader) {
  EXPECT_EQ(*parse_tagging_header("a=1&b=x%20y&c="), (metadata::NameValues{{"a", "1"}, {"b", "x y"}, {"c", ""}}));
  EXPECT_TRUE(parse_tagging_header("")->empty());
  EXPECT_EQ(parse_tagging_header("a=%zz").code(), Errc::invalid_argument);
}

TEST(Tags, FollowS3sRules) {
  std::string eleven;
  for (char c = 'a'; c <= 'k'; ++c) eleven += std::string(1, c) + "=1&";
  for (const std::string& header : std::vector<std::string>{
           eleven, "a=1&a=2", "aws:x=1", "=1", std::string(129, 'k') + "=1", "k=" + std::string(257, 'v'), "a%3C=1"}) {
    EXPECT_EQ(parse_tagging_header(header).code(), Errc::invalid_tag) << header;
  }
  EXPECT_TRUE(parse_tagging_header(std::string(128, 'k') + "=" + std::string(256, 'v')));
}

TEST(StorageClass, IsOneOfS3s) {
  EXPECT_EQ(*parse_storage_class("STANDARD"), "");
  EXPECT_EQ(*parse_storage_class("GLACIER_IR"), "GLACIER_IR");
  EXPECT_EQ(parse_storage_class("standard").code(), Errc::invalid_storage_class);
  EXPECT_EQ(shown_storage_class(""), "STANDARD");
}

TEST(S3Errors, NameEveryFailureOnce) {
  for (const S3ErrorRow& row : kS3Errors) {
    EXPECT_GE(row.status, 300U) << row.code;
    EXPECT_FALSE(row.code.empty());
    EXPECT_FALSE(row.message.empty());
    EXPECT_EQ(&s3_error(row.errc), &row);
  }
}

}  // namespace
}  // namespace firn::gateway
