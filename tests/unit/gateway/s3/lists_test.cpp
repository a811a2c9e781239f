#include "s3_fixture.h"

namespace firn::test {
namespace {

using Names = std::vector<std::string>;

class Lists : public S3Fixture {
 protected:
  void put(const Names& paths) {
    for (const auto& path : paths) ASSERT_EQ(send("PUT /bucket/" + path, {}, "x").status, 200U);
  }
};

TEST_F(Lists, NameEveryObject) {
  put({"b", "a", "dir/", "dir/c"});
  for (const char* line : {"GET /bucket", "GET /bucket?list-type=2"}) {
    const auto page = send(line);
    EXPECT_EQ(page.elements("Key"), (Names{"a", "b", "dir/", "dir/c"})) << line;
    EXPECT_EQ(page.element("Name"), "bucket");
    EXPECT_EQ(page.element("MaxKeys"), "1000");
    EXPECT_EQ(page.element("IsTruncated"), "false");
    EXPECT_EQ(page.element("Size"), "1");
    EXPECT_EQ(page.element("StorageClass"), "STANDARD");
    EXPECT_EQ(page.element("ETag"), "&quot;9dd4e461268c8034f5c8564e155c67a6&quot;");
    EXPECT_EQ(page.element("ChecksumAlgorithm"), "CRC64NVME");
    EXPECT_EQ(page.element("ChecksumType"), "FULL_OBJECT");
    EXPECT_EQ(page.element("LastModified").size(), 24U);
  }
}

TEST_F(Lists, ShowOwnersAlwaysOrOnRequest) {
  put({"a"});
  EXPECT_EQ(send("GET /bucket").element("DisplayName"), "firn");
  EXPECT_EQ(send("GET /bucket?list-type=2").element("DisplayName"), "");
  EXPECT_EQ(send("GET /bucket?list-type=2&fetch-owner=true").element("ID"), "0123owner");
}

TEST_F(Lists, CutAtPrefixAndDelimiter) {
  put({"a/1", "a/2", "b/1", "c", "d+e f/1"});
  for (const std::string line : {"GET /bucket?delimiter=/", "GET /bucket?list-type=2&delimiter=/"}) {
    const auto page = send(line);
    EXPECT_EQ(page.elements("Key"), Names{"c"});
    EXPECT_EQ(page.elements("Prefix"), (Names{"", "a/", "b/", "d+e f/"}));
    EXPECT_EQ(page.element("Delimiter"), "/");
    EXPECT_EQ(send(line + "&prefix=a/").elements("Key"), (Names{"a/1", "a/2"}));
    const auto encoded = send(line + "&encoding-type=url");
    EXPECT_EQ(encoded.elements("Prefix"), (Names{"", "a/", "b/", "d%2Be%20f/"}));
    EXPECT_EQ(encoded.element("EncodingType"), "url");
  }
  EXPECT_EQ(send("GET /bucket?list-type=2&delimiter=/").element("KeyCount"), "4");
  EXPECT_EQ(send("GET /bucket?delimiter=").elements("Delimiter").size(), 0U);
}

TEST_F(Lists, GoOnFromTheirMarker) {
  put({"a", "b", "c", "d/1", "d/2", "e"});
  const auto first = send("GET /bucket?max-keys=2");
  EXPECT_EQ(first.elements("Key"), (Names{"a", "b"}));
  EXPECT_EQ(first.element("IsTruncated"), "true");
  EXPECT_EQ(first.elements("NextMarker").size(), 0U) << "S3 gives it with a delimiter only";
  const auto second = send("GET /bucket?max-keys=2&marker=b&delimiter=/");
  EXPECT_EQ(second.elements("Key"), Names{"c"});
  EXPECT_EQ(second.element("NextMarker"), "d/") << "the last name shown and nothing of ours";
  EXPECT_EQ(second.element("Marker"), "b");
  EXPECT_EQ(send("GET /bucket?marker=d/&delimiter=/").elements("Key"), Names{"e"});
}

TEST_F(Lists, GoOnFromTheirToken) {
  put({"a", "b", "c", "d"});
  std::string token;
  Names all;
  int pages = 0;
  do {
    const auto page =
        send("GET /bucket?list-type=2&max-keys=1" + (token.empty() ? "" : "&continuation-token=" + token));
    EXPECT_EQ(page.element("ContinuationToken"), token);
    for (const auto& key : page.elements("Key")) all.push_back(key);
    token = page.element("NextContinuationToken");
    ++pages;
  } while (!token.empty() && pages < 10);
  EXPECT_EQ(all, (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(send("GET /bucket?list-type=2&continuation-token=a").code(), "InvalidArgument");
  EXPECT_EQ(send("GET /bucket?list-type=2&continuation-token=").elements("Key").size(), 4U);
}

TEST_F(Lists, StartAfterAKey) {
  put({"a", "b", "c"});
  const auto page = send("GET /bucket?list-type=2&start-after=a");
  EXPECT_EQ(page.elements("Key"), (Names{"b", "c"}));
  EXPECT_EQ(page.element("StartAfter"), "a");
}

TEST_F(Lists, MayHaveNoKeysAtAll) {
  put({"a"});
  for (const char* line : {"GET /bucket?max-keys=0", "GET /bucket?list-type=2&max-keys=0"}) {
    const auto page = send(line);
    EXPECT_EQ(page.status, 200U);
    EXPECT_EQ(page.elements("Key").size(), 0U);
    EXPECT_EQ(page.element("IsTruncated"), "false");
    EXPECT_EQ(page.element("MaxKeys"), "0");
  }
}

TEST_F(Lists, RefuseNonsense) {
  for (const char* query :
       {"max-keys=x", "max-keys=-1", "max-keys=99999999999", "encoding-type=base64", "list-type=3"}) {
    EXPECT_EQ(send(std::string("GET /bucket?") + query).code(), "InvalidArgument") << query;
  }
  EXPECT_EQ(send("GET /bucket?max-keys=2000").element("MaxKeys"), "1000");
  EXPECT_EQ(send("GET /bucket?list-type=2", {{"x-amz-optional-object-attributes", "RestoreStatus"}}).status, 200U);
}

TEST_F(Lists, EscapeWhatXmlWouldTakeForItsOwn) {
  put({"%3Ca%26b%3E", "%01"});
  EXPECT_EQ(send("GET /bucket").elements("Key"), (Names{"&#x1;", "&lt;a&amp;b&gt;"}));
  EXPECT_EQ(send("GET /bucket?encoding-type=url").elements("Key"), (Names{"%01", "%3Ca%26b%3E"}));
}

TEST_F(Lists, OfVersionsShowTheNullVersion) {
  put({"a", "b"});
  const auto page = send("GET /bucket?versions&max-keys=1");
  EXPECT_EQ(page.elements("Key"), Names{"a"});
  EXPECT_EQ(page.element("VersionId"), "null");
  EXPECT_EQ(page.element("IsLatest"), "true");
  EXPECT_EQ(page.element("NextKeyMarker"), "a");
  EXPECT_EQ(page.element("NextVersionIdMarker"), "null");
  EXPECT_EQ(send("GET /bucket?versions&key-marker=a&version-id-marker=null").elements("Key"), Names{"b"});
  EXPECT_EQ(send("GET /bucket?versions&version-id-marker=null").code(), "InvalidArgument");
}

class DeleteObjects : public Lists {
 protected:
  Answer remove(const std::string& document, Headers headers = {}) {
    if (headers.empty()) headers = with_md5(document);
    return send("POST /bucket?delete", headers, document);
  }
};

TEST_F(DeleteObjects, RemovesWhatItNames) {
  put({"a", "b", "c"});
  const auto answer = remove(
      "<Delete "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key></Object><Object><Key>missing</Key></"
      "Object>"
      "<Object><Key>c</Key><VersionId>null</VersionId></Object></Delete>");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.elements("Key"), (Names{"a", "missing", "c"}));
  EXPECT_EQ(answer.elements("Deleted").size(), 3U);
  EXPECT_EQ(send("GET /bucket").elements("Key"), Names{"b"});
}

TEST_F(DeleteObjects, IsQuietWhenAsked) {
  put({"a"});
  const auto answer = remove("<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>");
  EXPECT_EQ(answer.elements("Deleted").size(), 0U);
  EXPECT_EQ(send("HEAD /bucket/a").status, 404U);
}

TEST_F(DeleteObjects, HoldsTheConditionOfEachKey) {
  put({"a", "b"});
  const std::string etag = send("HEAD /bucket/b").header("ETag");
  const auto answer =
      remove("<Delete><Object><Key>a</Key><ETag>\"other\"</ETag></Object><Object><Key>b</Key><ETag>" + etag +
             "</ETag></Object><Object><Key>c</Key><ETag>x</ETag></Object><Object><Key>a</Key><Size>1</Size></Object></"
             "Delete>");
  EXPECT_EQ(answer.elements("Code"), (Names{"PreconditionFailed", "NoSuchKey", "NotImplemented"}));
  EXPECT_EQ(answer.elements("Deleted").size(), 1U);
  EXPECT_EQ(send("GET /bucket").elements("Key"), Names{"a"});
}

TEST_F(DeleteObjects, AnswersForEachBadKeyByItself) {
  put({"a"});
  const auto answer = remove(
      "<Delete><Object><Key>" + std::string(1025, 'k') +
      "</Key></Object><Object><Key>a</Key><VersionId>x</VersionId></Object><Object><Key>a</Key></Object></Delete>");
  EXPECT_EQ(answer.elements("Code"), (Names{"KeyTooLongError", "InvalidArgument"}));
  EXPECT_EQ(send("HEAD /bucket/a").status, 404U);
}

TEST_F(DeleteObjects, NeedsADigestThatFits) {
  put({"a"});
  const std::string document = "<Delete><Object><Key>a</Key></Object></Delete>";
  EXPECT_EQ(send("POST /bucket?delete", {}, document).code(), "InvalidRequest");
  EXPECT_EQ(remove(document, with_md5("other")).code(), "BadDigest");
  EXPECT_EQ(remove(document, {{"x-amz-checksum-crc32", "AAAAAA=="}}).code(), "BadDigest");
  EXPECT_EQ(send("HEAD /bucket/a").status, 200U);
  trailers = {{"x-amz-checksum-crc32", "AAAAAA=="}};
  EXPECT_EQ(send("POST /bucket?delete", {}, document).code(), "BadDigest");
  EXPECT_EQ(remove("<Delete><Object><Key>123456789</Key></Object></Delete>").status, 200U);
}

TEST_F(DeleteObjects, TakesAThousandKeysAndNoMore) {
  std::string keys;
  for (int i = 0; i < 1'000; ++i) keys += "<Object><Key>k</Key></Object>";
  EXPECT_EQ(remove("<Delete>" + keys + "</Delete>").status, 200U);
  EXPECT_EQ(remove("<Delete>" + keys + "<Object><Key>k</Key></Object></Delete>").code(), "MalformedXML");
}

TEST_F(DeleteObjects, RefusesOtherDocuments) {
  for (const char* document :
       {"", "<Delete/>", "<Delete></Delete>", "<Other><Object><Key>a</Key></Object></Other>",
        "<Delete><Object/></Delete>", "<Delete><Key>a</Key></Delete>", "<Delete><Object>", "text"}) {
    EXPECT_EQ(remove(document).code(), "MalformedXML") << document;
  }
  EXPECT_EQ(remove(std::string((4 << 20) + 1, ' ')).code(), "MaxMessageLengthExceeded");
}

}  // namespace
}  // namespace firn::test
