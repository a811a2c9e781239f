#include "store_fixture.h"

namespace firn::test {
namespace {

using objects::ChecksumAlgorithm;

class StorePut : public StoreFixture {};

TEST_F(StorePut, KeepsASmallBodyInTheMetadataTier) {
  const std::string text = text_of(metadata::kInlineBytesMax);
  const auto stored = put("k", text);
  ASSERT_TRUE(stored);
  EXPECT_TRUE(volumes.extents.empty());
  EXPECT_EQ(stored->committed.etag, to_hex(md5(as_bytes(text))));
  EXPECT_EQ(*read("k"), text);
}

TEST_F(StorePut, WritesALargerBodyAsOneExtent) {
  const std::string text = text_of(metadata::kInlineBytesMax + 1);
  ASSERT_TRUE(put("k", text));
  ASSERT_EQ(volumes.extents.size(), 1U);
  EXPECT_EQ(volumes.extents.begin()->second, text);
  EXPECT_EQ(volumes.extents.begin()->first.lease, store.first_open_lease());
  EXPECT_EQ(*read("k"), text);
}

TEST_F(StorePut, StoresNothingForAnEmptyBody) {
  const auto stored = put("k", "");
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->committed.etag, "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(*read("k"), "");
}

TEST_F(StorePut, ComputesCrc64NvmeWhenNobodyAsks) {
  const auto stored = put("k", "123456789");
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->checksum.algorithm, ChecksumAlgorithm::crc64nvme);
  EXPECT_EQ(to_hex(stored->checksum.value), "ae8b14860a799888");
  EXPECT_EQ(object("k").checksum, stored->checksum);
}

TEST_F(StorePut, RefusesABodyThatIsNotWhatWasPromised) {
  for (const std::size_t bytes : {std::size_t{10}, std::size_t{100'000}}) {
    const std::string text = text_of(bytes);
    TextSource wrong_md5(text);
    EXPECT_EQ(put("k", wrong_md5, {.md5 = std::string(16, 'x')}).code(), Errc::bad_digest);
    TextSource wrong_checksum(text);
    EXPECT_EQ(put("k", wrong_checksum,
                  {.kept = ChecksumAlgorithm::crc32, .stated = ChecksumAlgorithm::crc32, .checksum = "abcd"})
                  .code(),
              Errc::bad_digest);
    TextSource wrong_trailer(text);
    wrong_trailer.trailer = "abcd";
    EXPECT_EQ(put("k", wrong_trailer, {.kept = ChecksumAlgorithm::crc32c, .stated = ChecksumAlgorithm::crc32c}).code(),
              Errc::bad_digest);
  }
  EXPECT_EQ(run(store.find(bucket, "k")).code(), Errc::no_such_key);
  EXPECT_TRUE(volumes.extents.empty()) << "a wrong body must not be made durable";
}

TEST_F(StorePut, TakesAStatedChecksumOfAnotherAlgorithmThanTheOneKept) {
  const std::string text = text_of(50'000);
  objects::RunningChecksum sha1(ChecksumAlgorithm::sha1);
  sha1.update(as_bytes(text));
  const std::string right = sha1.finish();
  TextSource good(text);
  const auto stored = put("k", good, {.stated = ChecksumAlgorithm::sha1, .checksum = right});
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->checksum.algorithm, ChecksumAlgorithm::crc64nvme);
  TextSource bad(text + "!");
  EXPECT_EQ(put("k", bad, {.stated = ChecksumAlgorithm::sha1, .checksum = right}).code(), Errc::bad_digest);
}

TEST_F(StorePut, BelievesTheSourcesOwnSha256) {
  TextSource source("text");
  source.sha256 = sha256(as_bytes("text"));
  const auto stored = put("k", source, {.kept = ChecksumAlgorithm::sha256, .stated = ChecksumAlgorithm::sha256});
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->checksum.value, source.sha256);

  TextSource other("text");
  other.sha256 = sha256(as_bytes("text"));
  EXPECT_EQ(
      put("k", other,
          {.kept = ChecksumAlgorithm::sha256, .stated = ChecksumAlgorithm::sha256, .checksum = std::string(32, 'x')})
          .code(),
      Errc::bad_digest);
}

TEST_F(StorePut, RefusesABodyShorterOrLongerThanItSaid) {
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{60'000}}) {
    TextSource early(text_of(bytes));
    early.stated_length = bytes + 1;
    EXPECT_EQ(put("k", early).code(), Errc::incomplete_body);
    TextSource late(text_of(bytes));
    late.stated_length = bytes - 1;
    EXPECT_EQ(put("k", late).code(), Errc::incomplete_body);
  }
}

TEST_F(StorePut, HearsWhatTheSourceFoundOutAtItsEnd) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{100}, std::size_t{60'000}}) {
    TextSource source(text_of(bytes));
    source.end_failure = Errc::content_sha256_mismatch;
    EXPECT_EQ(put("k", source).code(), Errc::content_sha256_mismatch);
  }
  EXPECT_EQ(run(store.find(bucket, "k")).code(), Errc::no_such_key);
}

TEST_F(StorePut, PassesOnWhyBytesCouldNotBeStored) {
  const std::string text = text_of(60'000);
  volumes.write_failure = Errc::durability_unavailable;
  EXPECT_EQ(put("k", text).code(), Errc::durability_unavailable);
  volumes.write_failure.reset();
  volumes.finish_failure = Errc::durability_unavailable;
  EXPECT_EQ(put("k", text).code(), Errc::durability_unavailable);
  volumes.finish_failure.reset();
  metadata.write_failure = Errc::ambiguous;
  EXPECT_EQ(put("k", text).code(), Errc::ambiguous);
  EXPECT_TRUE(put("k", text));
}

TEST_F(StorePut, DecidesConditionsInTheCommit) {
  objects::PutRequest create{.bucket = bucket, .key = "k", .conditions = {.if_none_match = "*"}};
  TextSource first("1");
  ASSERT_TRUE(run(store.put(create, first)));
  TextSource second("2");
  EXPECT_EQ(run(store.put(create, second)).code(), Errc::precondition_failed);
  EXPECT_EQ(*read("k"), "1");
}

TEST_F(StorePut, IsRefusedOnceTheStoreHasStopped) {
  store.stop();
  EXPECT_EQ(put("k", text_of(60'000)).code(), Errc::cancelled);
}

}  // namespace
}  // namespace firn::test
