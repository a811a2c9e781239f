#include "firn/base/digest.h"
#include "s3_fixture.h"

namespace firn::test {
namespace {

using Names = std::vector<std::string>;

std::string part_element(const std::string& number, const std::string& etag, const std::string& more = {}) {
  return "<Part><PartNumber>" + number + "</PartNumber><ETag>" + etag + "</ETag>" + more + "</Part>";
}
std::string document_of(const std::string& parts) {
  return "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>";
}

class Multipart : public S3Fixture {
 protected:
  static inline const std::string kFull = std::string(5 << 20, 'p');

  Answer put_part(const std::string& id, const std::string& number, const std::string& text,
                  const Headers& headers = {}) {
    return send("PUT /bucket/k?partNumber=" + number + "&uploadId=" + id, headers, text);
  }
  Answer complete(const std::string& id, const std::string& parts, const Headers& headers = {}) {
    return send("POST /bucket/k?uploadId=" + id, headers, document_of(parts));
  }
};

TEST_F(Multipart, MakesOneObjectOfItsParts) {
  const auto done =
      multipart("/bucket/k", {kFull, text_of(1'000)}, {{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}});
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_EQ(done.element("Location"), "http://localhost:9000/bucket/k");
  EXPECT_EQ(done.element("Bucket"), "bucket");
  EXPECT_EQ(done.element("Key"), "k");
  const std::string etag = to_hex(md5(as_bytes(md5(as_bytes(kFull)) + md5(as_bytes(text_of(1'000)))))) + "-2";
  EXPECT_EQ(done.element("ETag"), "&quot;" + etag + "&quot;");
  EXPECT_EQ(done.element("ChecksumType"), "FULL_OBJECT");
  EXPECT_FALSE(done.element("ChecksumCRC64NVME").empty());
  const auto got = send("GET /bucket/k");
  EXPECT_EQ(got.body, kFull + text_of(1'000));
  EXPECT_EQ(got.header("Content-Type"), "text/plain");
  EXPECT_EQ(got.header("x-amz-meta-a"), "1");
}

TEST_F(Multipart, AnswersAReplayedCompleteTheSame) {
  const std::string id = start_upload("/bucket/k");
  const std::string parts = part_element("1", put_part(id, "1", "tiny").header("ETag"));
  const auto first = complete(id, parts);
  const auto second = complete(id, parts);
  EXPECT_EQ(first.status, 200U);
  EXPECT_EQ(second.status, 200U);
  EXPECT_EQ(first.body, second.body);
}

TEST_F(Multipart, GivesItsPartsByNumber) {
  ASSERT_EQ(multipart("/bucket/k", {kFull, "end"}).status, 200U);
  const auto last = send("GET /bucket/k?partNumber=2");
  EXPECT_EQ(last.status, 206U);
  EXPECT_EQ(last.body, "end");
  EXPECT_EQ(last.header("x-amz-mp-parts-count"), "2");
  EXPECT_EQ(last.header("Content-Range"), "bytes 5242880-5242882/5242883");
  EXPECT_EQ(send("HEAD /bucket/k?partNumber=1").header("Content-Length"), "5242880");
  EXPECT_EQ(send("GET /bucket/k?partNumber=3").code(), "InvalidPartNumber");
  EXPECT_EQ(send("GET /bucket/k?partNumber=3").status, 416U);
  EXPECT_EQ(send("GET /bucket/k?partNumber=0").code(), "InvalidArgument");
  EXPECT_EQ(send("GET /bucket/k?partNumber=x").code(), "InvalidArgument");
  EXPECT_EQ(send("GET /bucket/k?partNumber=1", {{"Range", "bytes=0-1"}}).code(), "InvalidRequest");
  ASSERT_EQ(send("PUT /bucket/plain", {}, "text").status, 200U);
  EXPECT_EQ(send("GET /bucket/plain?partNumber=1").body, "text");
  EXPECT_EQ(send("GET /bucket/plain?partNumber=1").header("x-amz-mp-parts-count"), "");
  EXPECT_EQ(send("GET /bucket/plain?partNumber=2").status, 416U);
}

TEST_F(Multipart, RefusesPartsThatAreNotThere) {
  const std::string id = start_upload("/bucket/k");
  const std::string one = put_part(id, "1", "a").header("ETag");
  const std::string two = put_part(id, "2", "b").header("ETag");
  EXPECT_EQ(complete(id, part_element("1", "\"wrong\"")).code(), "InvalidPart");
  EXPECT_EQ(complete(id, part_element("3", one)).code(), "InvalidPart");
  EXPECT_EQ(complete(id, part_element("2", two) + part_element("1", one)).code(), "InvalidPartOrder");
  EXPECT_EQ(complete(id, part_element("1", one) + part_element("1", one)).code(), "InvalidPartOrder");
  EXPECT_EQ(complete(id, part_element("1", one) + part_element("2", two)).code(), "EntityTooSmall");
  EXPECT_EQ(complete(id, "").code(), "MalformedXML");
  EXPECT_EQ(complete(id, "<Part><ETag>x</ETag></Part>").code(), "MalformedXML");
  EXPECT_EQ(complete(id, part_element("0", one)).code(), "InvalidArgument");
  EXPECT_EQ(complete(id, part_element("1", one), {{"x-amz-mp-object-size", "7"}}).status, 400U);
  EXPECT_EQ(complete(id, part_element("1", one), {{"x-amz-mp-object-size", "x"}}).code(), "InvalidArgument");
  EXPECT_EQ(send("HEAD /bucket/k").status, 404U);
  EXPECT_EQ(complete(id, part_element("1", one), {{"x-amz-mp-object-size", "1"}}).status, 200U);
}

TEST_F(Multipart, HoldsConditionsWhenItCompletes) {
  ASSERT_EQ(send("PUT /bucket/k", {}, "there").status, 200U);
  const std::string id = start_upload("/bucket/k");
  const std::string parts = part_element("1", put_part(id, "1", "a").header("ETag"));
  EXPECT_EQ(complete(id, parts, {{"If-None-Match", "*"}}).status, 412U);
  EXPECT_EQ(complete(id, parts, {{"If-Match", "\"x\""}}).status, 412U);
  EXPECT_EQ(send("GET /bucket/k").body, "there");
  EXPECT_EQ(complete(id, parts, {{"If-Match", send("HEAD /bucket/k").header("ETag")}}).status, 200U);
}

TEST_F(Multipart, BoundsPartNumbers) {
  const std::string id = start_upload("/bucket/k");
  for (const char* number : {"0", "10001", "x", "-1", ""})
    EXPECT_EQ(put_part(id, number, "a").code(), "InvalidArgument") << number;
  EXPECT_EQ(put_part(id, "10000", "a").status, 200U);
  EXPECT_EQ(send("PUT /bucket/k?partNumber=1", {}, "a").code(), "InvalidArgument");
  EXPECT_EQ(send("PUT /bucket/k?uploadId=" + id, {}, "a").status, 405U);
  EXPECT_EQ(send("HEAD /bucket/k").status, 404U) << "half a part request stored an object";
}

TEST_F(Multipart, KnowsItsUploads) {
  const std::string gone(32, '0');
  for (const std::string& id : {gone, std::string("nonsense"), std::string()}) {
    EXPECT_EQ(put_part(id, "1", "a").code(), "NoSuchUpload") << id;
    EXPECT_EQ(complete(id, part_element("1", "x")).code(), "NoSuchUpload") << id;
    EXPECT_EQ(send("DELETE /bucket/k?uploadId=" + id).code(), "NoSuchUpload") << id;
    EXPECT_EQ(send("GET /bucket/k?uploadId=" + id).code(), "NoSuchUpload") << id;
  }
  EXPECT_EQ(send("DELETE /bucket/k?uploadId=" + gone).element("UploadId"), gone);
  const std::string id = start_upload("/bucket/k");
  EXPECT_EQ(send("DELETE /bucket/k?uploadId=" + id).status, 204U);
  EXPECT_EQ(send("DELETE /bucket/k?uploadId=" + id).status, 404U);
}

TEST_F(Multipart, ListsParts) {
  const std::string id =
      start_upload("/bucket/k", {{"x-amz-checksum-algorithm", "SHA256"}, {"x-amz-storage-class", "GLACIER"}});
  for (const char* number : {"1", "3", "7"}) ASSERT_EQ(put_part(id, number, "a").status, 200U);
  const auto first = send("GET /bucket/k?uploadId=" + id + "&max-parts=2");
  EXPECT_EQ(first.elements("PartNumber"), (Names{"1", "3"}));
  EXPECT_EQ(first.element("NextPartNumberMarker"), "3");
  EXPECT_EQ(first.element("IsTruncated"), "true");
  EXPECT_EQ(first.element("ChecksumAlgorithm"), "SHA256");
  EXPECT_EQ(first.element("ChecksumType"), "COMPOSITE");
  EXPECT_EQ(first.element("StorageClass"), "GLACIER");
  EXPECT_EQ(first.element("ChecksumSHA256"), to_base64(sha256(as_bytes("a"))));
  EXPECT_EQ(first.element("Initiator").find("0123owner") != std::string::npos, true);
  const auto second = send("GET /bucket/k?uploadId=" + id + "&part-number-marker=3");
  EXPECT_EQ(second.elements("PartNumber"), Names{"7"});
  EXPECT_EQ(second.element("IsTruncated"), "false");
  EXPECT_EQ(send("GET /bucket/k?uploadId=" + id + "&max-parts=x").code(), "InvalidArgument");
  EXPECT_EQ(send("GET /bucket/k?uploadId=" + id + "&part-number-marker=x").code(), "InvalidArgument");
}

TEST_F(Multipart, ListsUploadsByPrefix) {
  const std::string one = start_upload("/bucket/a/1");
  const std::string again = start_upload("/bucket/a/1");
  const std::string two = start_upload("/bucket/a/2");
  start_upload("/bucket/b");
  const auto found = send("GET /bucket?uploads&prefix=a/");
  EXPECT_EQ(found.elements("Key"), (Names{"a/1", "a/1", "a/2"})) << "a prefix is no exact key";
  EXPECT_EQ(found.elements("UploadId"), (Names{one, again, two}));
  EXPECT_EQ(send("GET /bucket?uploads&delimiter=/").elements("Key"), Names{"b"});
  const auto first = send("GET /bucket?uploads&max-uploads=1");
  EXPECT_EQ(first.element("NextKeyMarker"), "a/1");
  EXPECT_EQ(first.element("NextUploadIdMarker"), one);
  const auto second = send("GET /bucket?uploads&max-uploads=2&key-marker=a/1&upload-id-marker=" + one);
  EXPECT_EQ(second.elements("UploadId"), (Names{again, two}));
  EXPECT_EQ(send("GET /bucket?uploads&key-marker=a/1").elements("Key"), (Names{"a/2", "b"}));
  EXPECT_EQ(send("GET /bucket?uploads&max-uploads=0").elements("Key").size(), 0U);
}

TEST_F(Multipart, ChoosesTheChecksumItIsAskedFor) {
  const auto asked = send("POST /bucket/k?uploads", {{"x-amz-checksum-algorithm", "CRC32"}});
  EXPECT_EQ(asked.header("x-amz-checksum-algorithm"), "CRC32");
  EXPECT_EQ(asked.header("x-amz-checksum-type"), "COMPOSITE");
  EXPECT_EQ(
      send("POST /bucket/k?uploads", {{"x-amz-checksum-algorithm", "CRC32"}, {"x-amz-checksum-type", "FULL_OBJECT"}})
          .header("x-amz-checksum-type"),
      "FULL_OBJECT");
  EXPECT_EQ(send("POST /bucket/k?uploads", {{"x-amz-checksum-algorithm", "CRC64NVME"}}).header("x-amz-checksum-type"),
            "FULL_OBJECT");
  EXPECT_EQ(send("POST /bucket/k?uploads").header("x-amz-checksum-algorithm"), "");
  for (const Headers& bad :
       {Headers{{"x-amz-checksum-algorithm", "SHA256"}, {"x-amz-checksum-type", "FULL_OBJECT"}},
        Headers{{"x-amz-checksum-algorithm", "CRC64NVME"}, {"x-amz-checksum-type", "COMPOSITE"}},
        Headers{{"x-amz-checksum-type", "COMPOSITE"}}, Headers{{"x-amz-checksum-algorithm", "MD4"}},
        Headers{{"x-amz-checksum-algorithm", "CRC32"}, {"x-amz-checksum-type", "BOTH"}}}) {
    EXPECT_EQ(send("POST /bucket/k?uploads", bad).code(), "InvalidRequest");
  }
}

TEST_F(Multipart, KeepsACompositeChecksum) {
  const Headers sha256_upload = {{"x-amz-checksum-algorithm", "SHA256"}};
  const auto done = multipart("/bucket/k", {kFull, "end"}, sha256_upload);
  const std::string value = to_base64(sha256(as_bytes(sha256(as_bytes(kFull)) + sha256(as_bytes("end"))))) + "-2";
  EXPECT_EQ(done.element("ChecksumSHA256"), value);
  EXPECT_EQ(done.element("ChecksumType"), "COMPOSITE");
  const auto head = send("HEAD /bucket/k", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(head.header("x-amz-checksum-sha256"), value);
  EXPECT_EQ(head.header("x-amz-checksum-type"), "COMPOSITE");
  const auto part = send("GET /bucket/k?partNumber=2", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(part.header("x-amz-checksum-sha256"), to_base64(sha256(as_bytes("end"))));
  EXPECT_EQ(part.header("x-amz-checksum-type"), "COMPOSITE");
  const auto attributes =
      send("GET /bucket/k?attributes", {{"x-amz-object-attributes", "Checksum,ObjectParts"}, {"x-amz-max-parts", "1"}});
  EXPECT_EQ(attributes.element("PartsCount"), "2");
  EXPECT_EQ(attributes.elements("PartNumber"), Names{"1"});
  EXPECT_EQ(attributes.element("NextPartNumberMarker"), "1");
  EXPECT_EQ(attributes.element("IsTruncated"), "true");
  const auto rest =
      send("GET /bucket/k?attributes", {{"x-amz-object-attributes", "ObjectParts"}, {"x-amz-part-number-marker", "1"}});
  EXPECT_EQ(rest.elements("PartNumber"), Names{"2"});
  EXPECT_EQ(rest.element("ChecksumSHA256"), to_base64(sha256(as_bytes("end"))));
}

TEST_F(Multipart, CombinesAFullObjectChecksum) {
  const std::string id =
      start_upload("/bucket/k", {{"x-amz-checksum-algorithm", "CRC32"}, {"x-amz-checksum-type", "FULL_OBJECT"}});
  const std::string parts = part_element("1", put_part(id, "1", "123456789").header("ETag"));
  EXPECT_EQ(complete(id, parts, {{"x-amz-checksum-crc32", "AAAAAA=="}}).code(), "BadDigest");
  EXPECT_EQ(complete(id, parts, {{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-checksum-type", "COMPOSITE"}}).code(),
            "InvalidRequest");
  const auto done = complete(id, parts, {{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-checksum-type", "FULL_OBJECT"}});
  EXPECT_EQ(done.element("ChecksumCRC32"), "y/Q5Jg==") << done.body;
}

TEST_F(Multipart, ComparesThePartsOwnChecksums) {
  const std::string id = start_upload("/bucket/k", {{"x-amz-checksum-algorithm", "CRC32"}});
  EXPECT_EQ(put_part(id, "1", "123456789", {{"x-amz-checksum-crc32", "AAAAAA=="}}).code(), "BadDigest");
  EXPECT_EQ(put_part(id, "1", "123456789", {{"x-amz-checksum-crc32c", "4waSgw=="}}).code(), "InvalidRequest");
  EXPECT_EQ(put_part(id, "1", "123456789", with_md5("other")).code(), "BadDigest");
  const auto part = put_part(id, "1", "123456789", {{"x-amz-checksum-crc32", "y/Q5Jg=="}});
  EXPECT_EQ(part.header("x-amz-checksum-crc32"), "y/Q5Jg==");
  EXPECT_EQ(complete(id, part_element("1", part.header("ETag"))).code(), "InvalidRequest")
      << "a composite upload lists the checksum of each part";
  EXPECT_EQ(complete(id, part_element("1", part.header("ETag"), "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>")).code(),
            "InvalidPart");
  EXPECT_EQ(complete(id, part_element("1", part.header("ETag"), "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>")).status,
            200U);
}

TEST_F(Multipart, TakesAnyPartChecksumWhenTheUploadNamedNone) {
  const std::string id = start_upload("/bucket/k");
  EXPECT_EQ(put_part(id, "1", "123456789", {{"x-amz-checksum-crc32", "AAAAAA=="}}).code(), "BadDigest");
  const auto part = put_part(id, "1", "123456789", {{"x-amz-checksum-crc32", "y/Q5Jg=="}});
  EXPECT_EQ(part.status, 200U);
  EXPECT_EQ(complete(id, part_element("1", part.header("ETag"))).element("ChecksumCRC64NVME"), "rosUhgp5mIg=");
}

TEST_F(Multipart, CopiesPartsOfOtherObjects) {
  ASSERT_EQ(send("PUT /bucket/source", {}, "0123456789").status, 200U);
  for (const Headers& upload : {Headers{}, Headers{{"x-amz-checksum-algorithm", "SHA256"}}}) {
    const std::string id = start_upload("/bucket/k", upload);
    const auto copy = [&](Headers headers) {
      headers.emplace_back("x-amz-copy-source", "bucket/source");
      return send("PUT /bucket/k?partNumber=1&uploadId=" + id, headers);
    };
    const auto part = copy({{"x-amz-copy-source-range", "bytes=2-5"}});
    EXPECT_EQ(part.operation, "UploadPartCopy");
    ASSERT_EQ(part.status, 200U) << part.body;
    EXPECT_EQ(part.element("ChecksumSHA256"), upload.empty() ? "" : to_base64(sha256(as_bytes("2345"))));
    EXPECT_EQ(copy({{"x-amz-copy-source-range", "bytes=2-10"}}).code(), "InvalidRange");
    EXPECT_EQ(copy({{"x-amz-copy-source-range", "bytes=2-"}}).code(), "InvalidArgument");
    EXPECT_EQ(copy({{"x-amz-copy-source-if-match", "\"x\""}}).status, 412U);
    const std::string checksum =
        upload.empty() ? "" : "<ChecksumSHA256>" + part.element("ChecksumSHA256") + "</ChecksumSHA256>";
    EXPECT_EQ(complete(id, part_element("1", part.element("ETag"), checksum)).status, 200U);
    EXPECT_EQ(send("GET /bucket/k").body, "2345");
  }
}

TEST_F(Multipart, CostsNoMoreThanItsThreeRequestsForATinyObject) {
  metadata.finds = 0;
  ASSERT_EQ(multipart("/bucket/k", {"tiny"}).status, 200U);
  EXPECT_EQ(metadata.finds, 0U);
  EXPECT_TRUE(volumes.extents.empty());
  EXPECT_EQ(send("GET /bucket/k").body, "tiny");
}

}  // namespace
}  // namespace firn::test
