#include "store_fixture.h"

namespace firn::test {
namespace {

using objects::ChecksumAlgorithm;

class StoreParts : public StoreFixture {
 protected:
  metadata::Upload create(ChecksumAlgorithm algorithm = ChecksumAlgorithm::crc64nvme, bool asked = false) {
    return *run(store.create_upload(bucket, {.key = "k", .checksum_algorithm = algorithm, .checksum_asked = asked}));
  }
  objects::PartCopyRequest copy_of(const std::string& source, const metadata::Upload& upload,
                                   std::optional<ByteRange> range = std::nullopt) {
    objects::PartCopyRequest copy{.bucket = bucket, .key = "k", .upload = upload, .number = 1};
    copy.source = {.bucket = bucket, .key = source};
    if (range) copy.range = [range](const metadata::Object&) -> Result<ByteRange> { return *range; };
    return copy;
  }
  Result<metadata::Completed> complete(const metadata::Upload& upload, const metadata::Part& part) {
    metadata::CompleteUpload complete{.bucket = bucket, .key = "k", .upload = upload.id};
    complete.parts.push_back({.number = part.number, .etag = part.etag});
    return run(store.complete_upload(std::move(complete)));
  }
};

TEST_F(StoreParts, CompletesASmallPartWithoutAnExtent) {
  const auto upload = create();
  TextSource source("tiny");
  const auto part = run(store.put_part({.bucket = bucket, .key = "k", .upload = upload, .number = 1}, source));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->etag, to_hex(md5(as_bytes("tiny"))));
  ASSERT_TRUE(complete(upload, *part));
  EXPECT_TRUE(volumes.extents.empty());
  EXPECT_EQ(*read("k"), "tiny");
}

TEST_F(StoreParts, CopiesARangeByReference) {
  const std::string text = text_of(100'000);
  ASSERT_TRUE(put("source", text));
  const auto upload = create();
  const auto part = run(store.copy_part(copy_of("source", upload, ByteRange{333, 50'000})));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->size_bytes, 50'000U);
  EXPECT_EQ(volumes.bytes_read, 0U);
  ASSERT_TRUE(complete(upload, *part));
  EXPECT_EQ(*read("k"), text.substr(333, 50'000));
}

TEST_F(StoreParts, TakesTagAndChecksumOfAWholeSource) {
  ASSERT_TRUE(put("source", text_of(100'000)));
  const auto part = run(store.copy_part(copy_of("source", create())));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->etag, object("source").etag);
  EXPECT_EQ(part->checksum, object("source").checksum);
  EXPECT_EQ(volumes.bytes_read, 0U);
}

TEST_F(StoreParts, TellsRangesApartByTheirTags) {
  ASSERT_TRUE(put("source", text_of(100'000)));
  const auto upload = create();
  const auto one = run(store.copy_part(copy_of("source", upload, ByteRange{0, 10})));
  const auto same = run(store.copy_part(copy_of("source", upload, ByteRange{0, 10})));
  const auto other = run(store.copy_part(copy_of("source", upload, ByteRange{1, 10})));
  EXPECT_EQ(one->etag, same->etag);
  EXPECT_NE(one->etag, other->etag);
  EXPECT_EQ(one->etag.size(), 32U);
}

TEST_F(StoreParts, ReadsARangeForTheChecksumTheClientAskedFor) {
  const std::string text = text_of(100'000);
  ASSERT_TRUE(put("source", text));
  const auto part =
      run(store.copy_part(copy_of("source", create(ChecksumAlgorithm::sha256, true), ByteRange{5, 1'000})));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->checksum.value, sha256(as_bytes(text.substr(5, 1'000))));
  EXPECT_EQ(volumes.bytes_read, 1'000U);
}

TEST_F(StoreParts, ReadsASourceAgainThatWasReplacedMeanwhile) {
  ASSERT_TRUE(put("source", text_of(100'000)));
  const auto upload = create();
  metadata.before_write = [this] { metadata.put_now(bucket, "source", "newer"); };
  const auto part = run(store.copy_part(copy_of("source", upload)));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->size_bytes, 5U);
}

TEST_F(StoreParts, HasNoPlaceForAPartOfAnUnknownUpload) {
  TextSource source("x");
  EXPECT_EQ(
      run(store.put_part({.bucket = bucket, .key = "k", .upload = {.id = Uuid{{9}}}, .number = 1}, source)).code(),
      Errc::no_such_upload);
}

}  // namespace
}  // namespace firn::test
