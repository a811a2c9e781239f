#include "store_fixture.h"

namespace firn::test {
namespace {

using objects::ChecksumAlgorithm;

class StoreCopy : public StoreFixture {
 protected:
  objects::CopyRequest request(const std::string& from, const std::string& to) {
    objects::CopyRequest copy{.bucket = bucket, .key = to};
    copy.source = {.bucket = bucket, .key = from};
    return copy;
  }
};

TEST_F(StoreCopy, MovesNoByte) {
  const std::string text = text_of(100'000);
  ASSERT_TRUE(put("a", text));
  const auto copied = run(store.copy(request("a", "b")));
  ASSERT_TRUE(copied);
  EXPECT_EQ(volumes.extents.size(), 1U);
  EXPECT_EQ(volumes.bytes_read, 0U);
  EXPECT_EQ(object("b").slices, object("a").slices);
  EXPECT_EQ(copied->committed.etag, object("a").etag);
  EXPECT_EQ(copied->checksum, object("a").checksum);
  EXPECT_EQ(*read("b"), text);
}

TEST_F(StoreCopy, OutlivesItsSource) {
  ASSERT_TRUE(put("a", "inline"));
  ASSERT_TRUE(run(store.copy(request("a", "b"))));
  ASSERT_TRUE(run(store.remove(bucket, {{.key = "a"}})));
  EXPECT_EQ(*read("b"), "inline");
}

TEST_F(StoreCopy, KeepsOrReplacesWhatTheDirectivesSay) {
  objects::PutRequest source{.bucket = bucket, .key = "a"};
  source.attributes = {
      .content_type = "text/plain", .storage_class = "GLACIER", .user_metadata = {{"m", "1"}}, .tags = {{"t", "1"}}};
  TextSource text("text");
  ASSERT_TRUE(run(store.put(std::move(source), text)));

  auto copy = request("a", "kept");
  copy.attributes = {.content_type = "ignored", .tags = {{"t", "ignored"}}};
  ASSERT_TRUE(run(store.copy(copy)));
  const auto kept = object("kept").attributes;
  EXPECT_EQ(kept.content_type, "text/plain");
  EXPECT_EQ(kept.user_metadata, (metadata::NameValues{{"m", "1"}}));
  EXPECT_EQ(kept.tags, (metadata::NameValues{{"t", "1"}}));
  EXPECT_EQ(kept.storage_class, "") << "S3 copies into STANDARD unless told otherwise";

  copy = request("a", "replaced");
  copy.keep_attributes = copy.keep_tags = false;
  copy.attributes = {.content_type = "new", .storage_class = "STANDARD_IA", .tags = {{"t", "2"}}};
  ASSERT_TRUE(run(store.copy(copy)));
  const auto replaced = object("replaced").attributes;
  EXPECT_EQ(replaced.content_type, "new");
  EXPECT_TRUE(replaced.user_metadata.empty());
  EXPECT_EQ(replaced.storage_class, "STANDARD_IA");
  EXPECT_EQ(replaced.tags, (metadata::NameValues{{"t", "2"}}));
}

TEST_F(StoreCopy, ReadsTheBytesOnceForAnotherChecksum) {
  const std::string text = text_of(100'000);
  ASSERT_TRUE(put("a", text));
  auto copy = request("a", "b");
  copy.algorithm = ChecksumAlgorithm::sha256;
  const auto copied = run(store.copy(copy));
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->checksum.value, sha256(as_bytes(text)));
  EXPECT_EQ(volumes.bytes_read, text.size());
  EXPECT_EQ(volumes.extents.size(), 1U);
}

TEST_F(StoreCopy, ReadsASourceAgainThatWasReplacedMeanwhile) {
  ASSERT_TRUE(put("a", text_of(100'000)));
  metadata.before_write = [this] { metadata.put_now(bucket, "a", "newer"); };
  ASSERT_TRUE(run(store.copy(request("a", "b"))));
  EXPECT_EQ(*read("b"), "newer");
}

TEST_F(StoreCopy, ChecksTheSourceAgainAfterItChanged) {
  ASSERT_TRUE(put("a", text_of(100'000)));
  const std::string etag = object("a").etag;
  metadata.before_write = [this] { metadata.put_now(bucket, "a", "newer"); };
  auto copy = request("a", "b");
  copy.source.check = [etag](const metadata::Object& source) -> Result<> {
    return source.etag == etag ? Result<>() : Errc::precondition_failed;
  };
  EXPECT_EQ(run(store.copy(copy)).code(), Errc::precondition_failed);
  EXPECT_EQ(run(store.find(bucket, "b")).code(), Errc::no_such_key);
}

TEST_F(StoreCopy, GivesUpOnASourceThatNeverHoldsStill) {
  ASSERT_TRUE(put("a", "0"));
  int replaced = 0;
  std::function<void()> replace = [&] {
    metadata.put_now(bucket, "a", std::to_string(++replaced));
    metadata.before_write = replace;
  };
  metadata.before_write = replace;
  EXPECT_EQ(run(store.copy(request("a", "b"))).code(), Errc::source_changed);
  EXPECT_EQ(replaced, 5);
}

TEST_F(StoreCopy, NeedsASource) { EXPECT_EQ(run(store.copy(request("missing", "b"))).code(), Errc::no_such_key); }

TEST_F(StoreCopy, HoldsTheTargetsConditions) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(put("b", "2"));
  auto copy = request("a", "b");
  copy.conditions.if_none_match = "*";
  EXPECT_EQ(run(store.copy(copy)).code(), Errc::precondition_failed);
  EXPECT_EQ(*read("b"), "2");
}

}  // namespace
}  // namespace firn::test
