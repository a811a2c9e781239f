#include "firn/base/digest.h"
#include "s3_fixture.h"

namespace firn::test {
namespace {

class Objects : public S3Fixture {
 protected:
  void put(const std::string& key, const std::string& text, const Headers& headers = {}) {
    const auto answer = send("PUT /bucket/" + key, headers, text);
    ASSERT_EQ(answer.status, 200U) << answer.body;
  }
};

TEST_F(Objects, ComeBackAsTheyWerePut) {
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{16'384}, std::size_t{16'385}, std::size_t{300'000}}) {
    const std::string text = text_of(bytes);
    const auto stored = send("PUT /bucket/k", {}, text);
    EXPECT_EQ(stored.header("ETag"), '"' + to_hex(md5(as_bytes(text))) + '"');
    const auto got = send("GET /bucket/k");
    EXPECT_EQ(got.status, 200U);
    EXPECT_EQ(got.body, text);
    EXPECT_EQ(got.header("ETag"), stored.header("ETag"));
    EXPECT_EQ(got.header("Accept-Ranges"), "bytes");
    EXPECT_EQ(got.header("Content-Type"), "binary/octet-stream");
    EXPECT_FALSE(got.header("Last-Modified").empty());
    const auto head = send("HEAD /bucket/k");
    EXPECT_EQ(head.header("Content-Length"), std::to_string(bytes));
    EXPECT_TRUE(head.body.empty());
  }
}

TEST_F(Objects, CostOneLookUp) {
  put("k", "small");
  metadata.finds = 0;
  EXPECT_EQ(send("GET /bucket/k").body, "small");
  EXPECT_EQ(send("HEAD /bucket/k").status, 200U);
  EXPECT_EQ(metadata.finds, 2U);
}

TEST_F(Objects, MayHaveAnyKey) {
  const std::vector<std::string> paths = {"a",      "a/b",  "a/b/c", "a//b",   "/",   "//",  ".",           "..",
                                          "a/../b", "dir/", "%20",   "%C3%A9", "a+b", "%2B", "%3F%26%3D%25"};
  for (const auto& path : paths) put(path, "text of " + path);
  for (const auto& path : paths)
    EXPECT_EQ(send("GET /bucket/" + path).body, path == "%2B" ? "text of %2B" : "text of " + path);
  EXPECT_EQ(send("PUT /bucket/" + std::string(1024, 'k')).status, 200U);
  const auto refused = send("PUT /bucket/" + std::string(1025, 'k'));
  EXPECT_EQ(refused.code(), "KeyTooLongError");
  EXPECT_EQ(refused.element("MaxSizeAllowed"), "1024");
  EXPECT_EQ(send("PUT /bucket/%FF").code(), "InvalidURI");
}

TEST_F(Objects, KeepTheirHeaders) {
  put("k", "text",
      {{"Content-Type", "text/plain"},
       {"Content-Encoding", "aws-chunked, gzip"},
       {"Content-Disposition", "inline"},
       {"Content-Language", "en"},
       {"Cache-Control", "max-age=1"},
       {"Expires", "Thu, 01 Dec 1994 16:00:00 GMT"},
       {"x-amz-meta-Color", "Red"},
       {"x-amz-meta-color", "blue"},
       {"x-amz-meta-empty", ""},
       {"x-amz-storage-class", "STANDARD_IA"},
       {"x-amz-tagging", "a=1&b=2"},
       {"x-amz-website-redirect-location", "/elsewhere"}});
  for (const char* method : {"GET", "HEAD"}) {
    const auto got = send(std::string(method) + " /bucket/k");
    EXPECT_EQ(got.header("Content-Type"), "text/plain");
    EXPECT_EQ(got.header("Content-Encoding"), "gzip");
    EXPECT_EQ(got.header("Content-Disposition"), "inline");
    EXPECT_EQ(got.header("Content-Language"), "en");
    EXPECT_EQ(got.header("Cache-Control"), "max-age=1");
    EXPECT_EQ(got.header("Expires"), "Thu, 01 Dec 1994 16:00:00 GMT");
    EXPECT_EQ(got.header("x-amz-meta-color"), "Red,blue");
    EXPECT_EQ(got.header("x-amz-storage-class"), "STANDARD_IA");
    EXPECT_EQ(got.header("x-amz-tagging-count"), "2");
    EXPECT_EQ(got.header("x-amz-website-redirect-location"), "/elsewhere");
  }
  put("plain", "text", {{"Content-Encoding", "aws-chunked"}, {"x-amz-storage-class", "STANDARD"}});
  EXPECT_EQ(send("HEAD /bucket/plain").header("Content-Encoding"), "");
  put("spaced", "text", {{"Content-Encoding", "deflate, gzip"}});
  EXPECT_EQ(send("HEAD /bucket/spaced").header("Content-Encoding"), "deflate, gzip");
  EXPECT_EQ(send("HEAD /bucket/plain").header("x-amz-storage-class"), "");
}

TEST_F(Objects, RefuseHeadersThatPromiseMoreThanFirnKeeps) {
  EXPECT_EQ(send("PUT /bucket/k", {{"x-amz-meta-a", std::string(2'048, 'v')}}, "x").code(), "MetadataTooLarge");
  EXPECT_EQ(send("PUT /bucket/k", {{"x-amz-meta-a", std::string(2'047, 'v')}}, "x").status, 200U);
  EXPECT_EQ(send("PUT /bucket/k2", {{"x-amz-storage-class", "TAPE"}}).code(), "InvalidStorageClass");
  EXPECT_EQ(send("PUT /bucket/k2", {{"x-amz-tagging", "aws:a=1"}}).code(), "InvalidTag");
  for (const char* name :
       {"x-amz-server-side-encryption", "x-amz-server-side-encryption-customer-algorithm", "x-amz-object-lock-mode",
        "x-amz-object-lock-legal-hold", "x-amz-grant-read", "x-amz-write-offset-bytes"}) {
    const auto refused = send("PUT /bucket/k2", {{name, "AES256"}}, "x");
    EXPECT_EQ(refused.status, 501U) << name;
    EXPECT_NE(refused.element("Message").find(name), std::string::npos) << refused.body;
  }
  EXPECT_EQ(send("PUT /bucket/k2", {{"x-amz-acl", "public-read"}}).code(), "AccessControlListNotSupported");
  EXPECT_EQ(send("HEAD /bucket/k2").status, 404U);
  EXPECT_EQ(send("GET /bucket/k", {{"x-amz-server-side-encryption-customer-algorithm", "AES256"}}).status, 501U);
}

TEST_F(Objects, NeedALengthWithinTheLimit) {
  send_length = false;
  const auto missing = send("PUT /bucket/k", {}, "x");
  EXPECT_EQ(missing.status, 411U);
  EXPECT_EQ(missing.code(), "MissingContentLength");
  stated_length = (5ULL << 30) + 1;
  const auto large = send("PUT /bucket/k", {}, "x");
  EXPECT_EQ(large.code(), "EntityTooLarge");
  EXPECT_EQ(large.element("ProposedSize"), "5368709121");
  EXPECT_EQ(large.element("MaxSizeAllowed"), "5368709120");
}

TEST_F(Objects, GiveEveryFormOfRange) {
  const std::string text = text_of(100'000);
  put("k", text);
  const auto ranged = [&](const std::string& range) { return send("GET /bucket/k", {{"Range", range}}); };
  const auto part = ranged("bytes=10-19");
  EXPECT_EQ(part.status, 206U);
  EXPECT_EQ(part.body, text.substr(10, 10));
  EXPECT_EQ(part.header("Content-Range"), "bytes 10-19/100000");
  EXPECT_EQ(ranged("bytes=99990-").body, text.substr(99'990));
  EXPECT_EQ(ranged("bytes=-8").body, text.substr(99'992));
  EXPECT_EQ(ranged("bytes=0-200000").header("Content-Range"), "bytes 0-99999/100000");
  EXPECT_EQ(send("HEAD /bucket/k", {{"Range", "bytes=10-19"}}).header("Content-Length"), "10");
  for (const char* ignored : {"bytes=0-1,5-6", "bytes=9-1", "pages=1-2"}) {
    EXPECT_EQ(ranged(ignored).status, 200U) << ignored;
    EXPECT_EQ(ranged(ignored).body.size(), text.size());
  }
  const auto beyond = ranged("bytes=100000-");
  EXPECT_EQ(beyond.status, 416U);
  EXPECT_EQ(beyond.code(), "InvalidRange");
  EXPECT_EQ(beyond.header("Content-Range"), "bytes */100000");
  EXPECT_EQ(beyond.element("ActualObjectSize"), "100000");
  EXPECT_EQ(beyond.element("RangeRequested"), "bytes=100000-");
}

TEST_F(Objects, HoldTheConditionsOfReads) {
  put("k", "text");
  const std::string etag = send("HEAD /bucket/k").header("ETag");
  const std::string modified = send("HEAD /bucket/k").header("Last-Modified");
  EXPECT_EQ(send("GET /bucket/k", {{"If-Match", etag}}).body, "text");
  const auto failed = send("GET /bucket/k", {{"If-Match", "\"other\""}});
  EXPECT_EQ(failed.status, 412U);
  EXPECT_EQ(failed.element("Condition"), "If-Match");
  const auto same = send("GET /bucket/k", {{"If-None-Match", etag}});
  EXPECT_EQ(same.status, 304U);
  EXPECT_EQ(same.header("ETag"), etag);
  EXPECT_TRUE(same.body.empty());
  EXPECT_EQ(send("GET /bucket/k", {{"If-Modified-Since", modified}}).status, 304U);
  EXPECT_EQ(send("GET /bucket/k", {{"If-Unmodified-Since", modified}}).status, 200U);
  const auto older = send("GET /bucket/k", {{"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_EQ(older.element("Condition"), "If-Unmodified-Since");
  EXPECT_EQ(send("HEAD /bucket/k", {{"If-Match", "\"other\""}}).status, 412U);
  EXPECT_EQ(send("GET /bucket/k", {{"If-Modified-Since", "no date"}}).status, 200U);
}

TEST_F(Objects, HoldTheConditionsOfWrites) {
  EXPECT_EQ(send("PUT /bucket/k", {{"If-Match", "\"x\""}}, "1").code(), "NoSuchKey");
  EXPECT_EQ(send("PUT /bucket/k", {{"If-None-Match", "*"}}, "1").status, 200U);
  const auto exists = send("PUT /bucket/k", {{"If-None-Match", "*"}}, "2");
  EXPECT_EQ(exists.status, 412U);
  EXPECT_EQ(exists.element("Condition"), "If-None-Match");
  const std::string etag = send("HEAD /bucket/k").header("ETag");
  EXPECT_EQ(send("PUT /bucket/k", {{"If-Match", "\"x\""}}, "2").status, 412U);
  EXPECT_EQ(send("GET /bucket/k").body, "1");
  EXPECT_EQ(send("PUT /bucket/k", {{"If-Match", etag}}, "2").status, 200U);
  EXPECT_EQ(send("PUT /bucket/k", {{"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}, "3").status, 501U);
  EXPECT_EQ(send("PUT /bucket/k", {{"If-Match", "\"a\", \"b\""}}, "3").status, 501U);
  metadata.write_failure = Errc::conditional_request_conflict;
  EXPECT_EQ(send("PUT /bucket/k", {{"If-None-Match", "*"}}, "3").status, 409U);
  EXPECT_EQ(send("GET /bucket/k").body, "2");
}

TEST_F(Objects, TakeResponseOverrides) {
  put("k", "text", {{"Content-Type", "text/plain"}});
  const auto got = send(
      "GET /bucket/k?response-content-type=a%2Fb&response-cache-control=no-cache&response-expires=x"
      "&response-content-disposition=d&response-content-encoding=e&response-content-language=l");
  EXPECT_EQ(got.header("Content-Type"), "a/b");
  EXPECT_EQ(got.header("Cache-Control"), "no-cache");
  EXPECT_EQ(got.header("Expires"), "x");
  EXPECT_EQ(got.header("Content-Disposition"), "d");
  EXPECT_EQ(got.header("Content-Encoding"), "e");
  EXPECT_EQ(got.header("Content-Language"), "l");
  EXPECT_EQ(send("GET /bucket/k?response-content-type=a%0D%0AX-Evil:1").code(), "InvalidArgument");
}

TEST_F(Objects, HaveTheNullVersionAlone) {
  put("k", "text");
  EXPECT_EQ(send("GET /bucket/k?versionId=null").body, "text");
  EXPECT_EQ(send("GET /bucket/k?versionId=3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH").code(), "NoSuchVersion");
  EXPECT_EQ(send("GET /bucket/k?versionId=x").code(), "InvalidArgument");
  EXPECT_EQ(send("GET /bucket/k?versionId=").code(), "InvalidArgument");
  EXPECT_EQ(send("DELETE /bucket/k?versionId=x").status, 400U);
  EXPECT_EQ(send("PUT /bucket/k?versionId=null", {}, "new").code(), "InvalidArgument");
  EXPECT_EQ(send("GET /bucket/k").body, "text");
  EXPECT_EQ(send("DELETE /bucket/k?versionId=null").status, 204U);
}

TEST_F(Objects, CompareContentMd5) {
  const Headers right = with_md5("text");
  EXPECT_EQ(send("PUT /bucket/k", right, "text").status, 200U);
  EXPECT_EQ(send("PUT /bucket/k", right, "other").code(), "BadDigest");
  EXPECT_EQ(send("PUT /bucket/k", {{"Content-MD5", "no base64"}}, "text").code(), "InvalidDigest");
  EXPECT_EQ(send("PUT /bucket/k", {{"Content-MD5", ""}}, "text").code(), "InvalidDigest");
  EXPECT_EQ(send("PUT /bucket/k", {{"Content-MD5", "AAAA"}}, "text").code(), "InvalidDigest");
  EXPECT_EQ(send("GET /bucket/k").body, "text");
}

TEST_F(Objects, KeepTheChecksumTheyCameWith) {
  for (const auto& [name, value] : Headers{{"crc32", "y/Q5Jg=="},
                                           {"crc32c", "4waSgw=="},
                                           {"crc64nvme", "rosUhgp5mIg="},
                                           {"sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
                                           {"sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="}}) {
    const std::string header = "x-amz-checksum-" + name;
    std::string wrong = value;
    wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
    EXPECT_EQ(send("PUT /bucket/k", {{header, wrong}}, "123456789").code(), "BadDigest") << name;
    EXPECT_EQ(send("PUT /bucket/k", {{header, "AAAA"}}, "123456789").code(), "InvalidRequest") << name;
    const auto stored = send("PUT /bucket/k", {{header, value}}, "123456789");
    EXPECT_EQ(stored.status, 200U) << stored.body;
    EXPECT_EQ(stored.header(header), value);
    EXPECT_EQ(stored.header("x-amz-checksum-type"), "FULL_OBJECT");
    EXPECT_EQ(send("HEAD /bucket/k").header(header), "") << "only when asked";
    EXPECT_EQ(send("HEAD /bucket/k", {{"x-amz-checksum-mode", "ENABLED"}}).header(header), value);
    EXPECT_EQ(send("GET /bucket/k", {{"x-amz-checksum-mode", "ENABLED"}}).header("x-amz-checksum-type"), "FULL_OBJECT");
    EXPECT_EQ(send("GET /bucket/k", {{"x-amz-checksum-mode", "ENABLED"}, {"Range", "bytes=0-1"}}).header(header), "")
        << "it is not the checksum of the bytes sent";

    trailers = {{header, value}};
    EXPECT_EQ(send("PUT /bucket/trailer", {}, "123456789").header(header), value);
    trailers = {{header, wrong}};
    EXPECT_EQ(send("PUT /bucket/trailer2", {}, "123456789").code(), "BadDigest");
    trailers = {{header, "nonsense"}};
    EXPECT_EQ(send("PUT /bucket/trailer2", {}, "123456789").code(), "InvalidRequest");
    EXPECT_EQ(send("HEAD /bucket/trailer2").status, 404U);
  }
}

TEST_F(Objects, HaveACrc64NvmeWhenNobodyAsked) {
  EXPECT_EQ(send("PUT /bucket/k", {}, "123456789").header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
}

TEST_F(Objects, UseTheSha256TheSessionHasVerified) {
  signed_sha256 = sha256(as_bytes("123456789"));
  const std::string value = to_base64(signed_sha256);
  EXPECT_EQ(send("PUT /bucket/k", {{"x-amz-checksum-sha256", value}}, "123456789").header("x-amz-checksum-sha256"),
            value);
}

TEST_F(Objects, RefuseChecksumHeadersThatContradictEachOther) {
  EXPECT_EQ(
      send("PUT /bucket/k", {{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-checksum-crc32c", "4waSgw=="}}, "123456789")
          .code(),
      "InvalidRequest");
  EXPECT_EQ(send("PUT /bucket/k", {{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-sdk-checksum-algorithm", "SHA1"}},
                 "123456789")
                .code(),
            "InvalidRequest");
  EXPECT_EQ(send("PUT /bucket/k", {{"x-amz-sdk-checksum-algorithm", "SHA1"}}, "123456789").code(), "InvalidRequest");
  EXPECT_EQ(send("PUT /bucket/k", {{"x-amz-sdk-checksum-algorithm", "MD4"}}, "123456789").code(), "InvalidRequest");
  EXPECT_EQ(send("PUT /bucket/k", {{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-sdk-checksum-algorithm", "crc32"}},
                 "123456789")
                .status,
            200U);
}

TEST_F(Objects, IgnoreAChecksumHeaderOnAGet) {
  put("k", "text");
  EXPECT_EQ(send("GET /bucket/k", {{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-te", "append-md5"}}).body, "text");
}

TEST_F(Objects, AreDeletedOnlyUnderTheirCondition) {
  put("k", "text");
  const auto failed = send("DELETE /bucket/k", {{"If-Match", "\"other\""}});
  EXPECT_EQ(failed.status, 412U);
  EXPECT_EQ(send("GET /bucket/k").body, "text");
  EXPECT_EQ(send("DELETE /bucket/k", {{"x-amz-if-match-size", "99"}}).status, 501U);
  EXPECT_EQ(send("DELETE /bucket/k", {{"If-None-Match", "*"}}).status, 501U);
  const std::string etag = send("HEAD /bucket/k").header("ETag");
  EXPECT_EQ(send("DELETE /bucket/k", {{"If-Match", etag}}).status, 204U);
  EXPECT_EQ(send("DELETE /bucket/k").status, 204U) << "what is not there is gone";
  EXPECT_EQ(send("DELETE /bucket/k", {{"If-Match", "*"}}).code(), "NoSuchKey");
  EXPECT_EQ(send("DELETE /missing/k").code(), "NoSuchBucket");
}

TEST_F(Objects, ThatAreMissingSaySo) {
  const auto missing = send("GET /bucket/missing");
  EXPECT_EQ(missing.status, 404U);
  EXPECT_EQ(missing.code(), "NoSuchKey");
  EXPECT_EQ(missing.element("Key"), "missing");
  EXPECT_EQ(missing.element("Resource"), "/bucket/missing");
  EXPECT_EQ(missing.element("RequestId"), "0123456789ABCDEF");
  const auto head = send("HEAD /bucket/missing");
  EXPECT_EQ(head.status, 404U);
  EXPECT_TRUE(head.body.empty());
  EXPECT_EQ(send("GET /missing/k").element("BucketName"), "missing");
}

TEST_F(Objects, AreReadAgainWhenTheirExtentIsGoneBeforeTheFirstByte) {
  put("k", text_of(100'000));
  volumes.extents.clear();
  const auto gone = send("GET /bucket/k");
  EXPECT_EQ(gone.status, 500U) << "an object whose bytes stay gone is an error, not an empty answer";
  EXPECT_EQ(gone.code(), "InternalError");
  EXPECT_GE(metadata.finds, 2U);
}

TEST_F(Objects, AreNotEmptiedByASubResourceNobodyKnows) {
  put("k", "text");
  for (const char* line : {"PUT /bucket/k?unknown", "PUT /bucket/k?renameObjects", "PUT /bucket/k?legal-hold",
                           "PUT /bucket/k?retention", "POST /bucket/k?restore", "POST /bucket/k?select&select-type=2",
                           "DELETE /bucket/k?unknown", "PUT /bucket/k?encryption"}) {
    EXPECT_EQ(send(line).status, 501U) << line;
  }
  for (const char* line :
       {"PUT /bucket/k?uploads", "PUT /bucket/k?attributes", "DELETE /bucket/k?acl", "POST /bucket/k"}) {
    EXPECT_EQ(send(line).status, 405U) << line;
  }
  EXPECT_EQ(send("GET /bucket/k").body, "text");
}

TEST_F(Objects, AreTagged) {
  put("k", "text");
  const std::string tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1 &lt;</Value></Tag></TagSet></Tagging>";
  EXPECT_EQ(send("PUT /bucket/k?tagging", {}, tags).code(), "InvalidTag") << "'<' is no character of a tag";
  const std::string good =
      "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value/></Tag></TagSet></Tagging>";
  EXPECT_EQ(send("PUT /bucket/k?tagging", {}, good).status, 200U);
  const auto got = send("GET /bucket/k?tagging");
  EXPECT_EQ(got.elements("Key"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(got.elements("Value"), (std::vector<std::string>{"1", ""}));
  EXPECT_EQ(send("PUT /bucket/k?tagging", {}, "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>").code(),
            "MalformedXML");
  EXPECT_EQ(send("PUT /bucket/k?tagging", {}, "").code(), "MalformedXML");
  EXPECT_EQ(send("DELETE /bucket/k?tagging").status, 204U);
  EXPECT_TRUE(send("GET /bucket/k?tagging").elements("Key").empty());
  EXPECT_EQ(send("GET /bucket/missing?tagging").code(), "NoSuchKey");
  EXPECT_EQ(send("PUT /bucket/missing?tagging", {}, good).code(), "NoSuchKey");
}

TEST_F(Objects, TellTheirAttributes) {
  put("k", "123456789", {{"x-amz-checksum-crc32", "y/Q5Jg=="}});
  const std::string all = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize";
  const auto got = send("GET /bucket/k?attributes", {{"x-amz-object-attributes", all}});
  EXPECT_EQ(got.element("ETag"), "25f9e794323b453885f5181f1b624d0b");
  EXPECT_EQ(got.element("ChecksumCRC32"), "y/Q5Jg==");
  EXPECT_EQ(got.element("ChecksumType"), "FULL_OBJECT");
  EXPECT_EQ(got.element("StorageClass"), "STANDARD");
  EXPECT_EQ(got.element("ObjectSize"), "9");
  EXPECT_EQ(got.body.find("ObjectParts"), std::string::npos) << "it was not made of parts";
  EXPECT_FALSE(got.header("Last-Modified").empty());
  const auto some = send("GET /bucket/k?attributes",
                         {{"x-amz-object-attributes", "ETag"}, {"x-amz-object-attributes", " ObjectSize "}});
  EXPECT_EQ(some.element("ObjectSize"), "9");
  EXPECT_EQ(some.element("StorageClass"), "");
  EXPECT_EQ(send("GET /bucket/k?attributes").code(), "InvalidArgument");
  EXPECT_EQ(send("GET /bucket/k?attributes", {{"x-amz-object-attributes", "Color"}}).code(), "InvalidArgument");
}

}  // namespace
}  // namespace firn::test
