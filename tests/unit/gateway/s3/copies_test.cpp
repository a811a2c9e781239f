#include "s3_fixture.h"

namespace firn::test {
namespace {

class Copies : public S3Fixture {
 protected:
  void SetUp() override {
    ASSERT_EQ(send("PUT /bucket/source",
                   {{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}, {"x-amz-tagging", "t=1"}}, "123456789")
                  .status,
              200U);
  }
  Answer copy(Headers headers = {}, const std::string& to = "/bucket/copy") {
    headers.emplace_back("x-amz-copy-source", "/bucket/source");
    return send("PUT " + to, headers);
  }
};

TEST_F(Copies, KeepBytesHeadersAndTags) {
  const auto copied = copy();
  EXPECT_EQ(copied.operation, "CopyObject");
  EXPECT_EQ(copied.status, 200U);
  EXPECT_EQ(copied.element("ETag"), "&quot;25f9e794323b453885f5181f1b624d0b&quot;");
  EXPECT_EQ(copied.element("ChecksumCRC64NVME"), "rosUhgp5mIg=");
  EXPECT_EQ(copied.element("ChecksumType"), "FULL_OBJECT");
  const auto got = send("GET /bucket/copy");
  EXPECT_EQ(got.body, "123456789");
  EXPECT_EQ(got.header("Content-Type"), "text/plain");
  EXPECT_EQ(got.header("x-amz-meta-a"), "1");
  EXPECT_EQ(got.header("x-amz-tagging-count"), "1");
}

TEST_F(Copies, FollowTheirDirectives) {
  EXPECT_EQ(
      copy({{"x-amz-metadata-directive", "REPLACE"}, {"x-amz-meta-b", "2"}, {"x-amz-tagging-directive", "REPLACE"}})
          .status,
      200U);
  const auto got = send("HEAD /bucket/copy");
  EXPECT_EQ(got.header("x-amz-meta-a"), "");
  EXPECT_EQ(got.header("x-amz-meta-b"), "2");
  EXPECT_EQ(got.header("Content-Type"), "binary/octet-stream");
  EXPECT_EQ(got.header("x-amz-tagging-count"), "");
  EXPECT_EQ(copy({{"x-amz-metadata-directive", "MERGE"}}).code(), "InvalidArgument");
  EXPECT_EQ(copy({{"x-amz-tagging-directive", "replace"}}).code(), "InvalidArgument");
}

TEST_F(Copies, HoldConditionsOfSourceAndTarget) {
  const std::string etag = send("HEAD /bucket/source").header("ETag");
  EXPECT_EQ(copy({{"x-amz-copy-source-if-match", etag}}).status, 200U);
  const auto failed = copy({{"x-amz-copy-source-if-match", "\"x\""}});
  EXPECT_EQ(failed.status, 412U);
  EXPECT_EQ(failed.element("Condition"), "x-amz-copy-source-If-Match");
  EXPECT_EQ(copy({{"x-amz-copy-source-if-none-match", etag}}).status, 412U);
  EXPECT_EQ(copy({{"x-amz-copy-source-if-modified-since", "Sun, 06 Nov 2094 08:49:37 GMT"}}).status, 412U);
  EXPECT_EQ(copy({{"x-amz-copy-source-if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 412U);
  const auto exists = copy({{"If-None-Match", "*"}});
  EXPECT_EQ(exists.status, 412U) << "the target is there";
  EXPECT_EQ(exists.element("Condition"), "If-None-Match");
  EXPECT_EQ(copy({{"If-None-Match", "*"}}, "/bucket/fresh").status, 200U);
  EXPECT_EQ(copy({{"If-Match", "\"x\""}}).status, 412U);
}

TEST_F(Copies, OntoThemselvesMustChangeSomething) {
  EXPECT_EQ(copy({}, "/bucket/source").code(), "InvalidRequest");
  EXPECT_EQ(copy({{"x-amz-metadata-directive", "REPLACE"}, {"x-amz-meta-c", "3"}}, "/bucket/source").status, 200U);
  EXPECT_EQ(copy({{"x-amz-storage-class", "GLACIER"}}, "/bucket/source").status, 200U);
  EXPECT_EQ(copy({{"x-amz-checksum-algorithm", "SHA1"}}, "/bucket/source").element("ChecksumSHA1"),
            "98O8HYCOBHMq32eZZczDTKeuNEE=");
  const auto got = send("GET /bucket/source");
  EXPECT_EQ(got.body, "123456789");
  EXPECT_EQ(got.header("x-amz-meta-c"), "3");
}

TEST_F(Copies, NeedASourceThatExists) {
  EXPECT_EQ(send("PUT /bucket/copy", {{"x-amz-copy-source", "bucket/missing"}}).code(), "NoSuchKey");
  EXPECT_EQ(send("PUT /bucket/copy", {{"x-amz-copy-source", "missing/source"}}).code(), "NoSuchBucket");
  EXPECT_EQ(send("PUT /bucket/copy", {{"x-amz-copy-source", "bucket"}}).code(), "InvalidArgument");
  EXPECT_EQ(send("PUT /bucket/copy", {{"x-amz-copy-source", ""}}).code(), "InvalidArgument");
  EXPECT_EQ(copy({{"x-amz-checksum-algorithm", "MD4"}}).code(), "InvalidRequest");
  EXPECT_EQ(copy({{"x-amz-server-side-encryption", "AES256"}}).status, 501U);
  EXPECT_EQ(send("HEAD /bucket/copy").status, 404U);
}

TEST_F(Copies, OfPartsKeepTheirParts) {
  const std::string part(5 << 20, 'p');
  ASSERT_EQ(multipart("/bucket/parts", {part, "end"}, {{"x-amz-checksum-algorithm", "SHA256"}}).status, 200U);
  const auto copied = send("PUT /bucket/copy", {{"x-amz-copy-source", "bucket/parts"}});
  EXPECT_EQ(copied.element("ChecksumType"), "COMPOSITE");
  EXPECT_TRUE(copied.element("ChecksumSHA256").ends_with("-2"));
  EXPECT_EQ(send("GET /bucket/copy?partNumber=2").body, "end");
}

class Renames : public S3Fixture {
 protected:
  void SetUp() override { ASSERT_EQ(send("PUT /bucket/old", {{"x-amz-meta-a", "1"}}, "text").status, 200U); }
  Answer rename(Headers headers = {}, const std::string& source = "/bucket/old") {
    headers.emplace_back("x-amz-rename-source", source);
    return send("PUT /bucket/new?renameObject", headers);
  }
};

TEST_F(Renames, MoveAnObjectWithAllItHas) {
  const auto renamed = rename();
  EXPECT_EQ(renamed.operation, "RenameObject");
  EXPECT_EQ(renamed.status, 200U);
  EXPECT_TRUE(renamed.body.empty());
  EXPECT_EQ(send("HEAD /bucket/old").status, 404U);
  EXPECT_EQ(send("GET /bucket/new").body, "text");
  EXPECT_EQ(send("HEAD /bucket/new").header("x-amz-meta-a"), "1");
}

TEST_F(Renames, TakeTheKeyAlone) {
  EXPECT_EQ(rename({}, "old").status, 200U);
  EXPECT_EQ(send("GET /bucket/new").body, "text");
}

TEST_F(Renames, ReplaceTheTargetUnlessForbidden) {
  ASSERT_EQ(send("PUT /bucket/new", {}, "there").status, 200U);
  EXPECT_EQ(rename({{"If-None-Match", "*"}}).status, 412U);
  EXPECT_EQ(rename({{"If-Match", "\"x\""}}).status, 412U);
  EXPECT_EQ(send("GET /bucket/new").body, "there");
  EXPECT_EQ(rename({{"If-Match", send("HEAD /bucket/new").header("ETag")}}).status, 200U);
  EXPECT_EQ(send("GET /bucket/new").body, "text");
}

TEST_F(Renames, HoldTheSourcesConditions) {
  EXPECT_EQ(rename({{"x-amz-rename-source-if-match", "\"x\""}}).status, 412U);
  EXPECT_EQ(rename({{"x-amz-rename-source-if-none-match", send("HEAD /bucket/old").header("ETag")}}).status, 412U);
  EXPECT_EQ(rename({{"x-amz-rename-source-if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 412U);
  EXPECT_EQ(rename({{"x-amz-rename-source-if-modified-since", "Sun, 06 Nov 2094 08:49:37 GMT"}}).status, 412U);
  EXPECT_EQ(send("HEAD /bucket/old").status, 200U);
  EXPECT_EQ(rename({{"x-amz-rename-source-if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 200U);
}

TEST_F(Renames, NeedASource) {
  EXPECT_EQ(send("PUT /bucket/old?renameObject").status, 400U);
  EXPECT_EQ(rename({}, "/bucket/missing").code(), "NoSuchKey");
  EXPECT_EQ(rename({}, "/bucket/new").code(), "InvalidRequest");
  EXPECT_EQ(send("GET /bucket/old").body, "text") << "a rename without a source emptied the object";
}

}  // namespace
}  // namespace firn::test
