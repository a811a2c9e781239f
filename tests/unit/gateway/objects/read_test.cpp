#include "store_fixture.h"

namespace firn::test {
namespace {

class StoreRead : public StoreFixture {
 protected:
  /// An object of an extent, an inline body, and another extent.
  std::string put_mixed(const std::string& key) {
    const std::vector<std::string> texts = {text_of(5 << 20, 1), text_of(5 << 20, 2), text_of(100, 3)};
    auto upload = run(store.create_upload(bucket, {.key = key}));
    metadata::CompleteUpload complete{.bucket = bucket, .key = key, .upload = upload->id};
    std::string whole;
    for (std::uint32_t number = 1; number <= texts.size(); ++number) {
      TextSource source(texts[number - 1]);
      const auto part =
          run(store.put_part({.bucket = bucket, .key = key, .upload = *upload, .number = number}, source));
      complete.parts.push_back({.number = number, .etag = part->etag});
      whole += texts[number - 1];
    }
    EXPECT_TRUE(run(store.complete_upload(std::move(complete))));
    return whole;
  }
};

TEST_F(StoreRead, GivesEveryRangeOfEveryKindOfBody) {
  const std::string small = text_of(1'000);
  const std::string large = text_of(100'000);
  ASSERT_TRUE(put("small", small));
  ASSERT_TRUE(put("large", large));
  for (const auto& [key, text] : {std::pair<std::string, std::string>{"small", small}, {"large", large}}) {
    for (const ByteRange range : {ByteRange{0, 1}, ByteRange{0, 0}, ByteRange{text.size() - 1, 1}, ByteRange{1, 999},
                                  ByteRange{500, text.size() - 500}}) {
      EXPECT_EQ(*read(key, range), text.substr(range.offset, range.length)) << key << ' ' << range.offset;
    }
  }
}

TEST_F(StoreRead, CrossesPartsAndKindsOfBodies) {
  const std::string whole = put_mixed("k");
  EXPECT_EQ(*read("k"), whole);
  constexpr std::uint64_t kSeam = 5 << 20;
  for (const ByteRange range : {ByteRange{kSeam - 10, 20}, ByteRange{2 * kSeam - 1, 2}, ByteRange{2 * kSeam, 100},
                                ByteRange{kSeam, kSeam}, ByteRange{1, 2 * kSeam + 98}}) {
    EXPECT_EQ(*read("k", range), whole.substr(range.offset, range.length)) << range.offset;
  }
}

TEST_F(StoreRead, AsksTheVolumesForTheRangeAlone) {
  ASSERT_TRUE(put("k", text_of(1 << 20)));
  ASSERT_TRUE(read("k", ByteRange{500'000, 1'000}));
  EXPECT_EQ(volumes.bytes_read, 1'000U);
}

TEST_F(StoreRead, SaysBeforeTheFirstByteThatAnExtentIsGone) {
  ASSERT_TRUE(put("k", text_of(100'000)));
  const auto found = run(store.find_with_bodies(bucket, "k"));
  volumes.extents.clear();
  const auto reader = store.read(*found, {0, 100'000});
  ASSERT_TRUE(reader);
  EXPECT_EQ(run((*reader)->prepare()).code(), Errc::not_found);
}

TEST_F(StoreRead, FailsRatherThanGoOnWhenAReadFailsMidway) {
  ASSERT_TRUE(put("k", text_of(100'000)));
  const auto found = run(store.find_with_bodies(bucket, "k"));
  const auto reader = store.read(*found, {0, 100'000});
  ASSERT_TRUE(run((*reader)->prepare()));
  EXPECT_EQ(run((*reader)->next())->size(), volumes.run_bytes);
  volumes.read_failure = Errc::corrupt;
  EXPECT_EQ(run((*reader)->next()).code(), Errc::corrupt);
}

TEST_F(StoreRead, RefusesARecordWhoseSlicesDoNotAddUp) {
  ASSERT_TRUE(put("k", text_of(100)));
  auto found = run(store.find_with_bodies(bucket, "k"));
  found->object.size_bytes = 101;
  EXPECT_EQ(store.read(*found, {0, 50}).code(), Errc::corrupt);
  found->object.size_bytes = 100;
  found->inline_bodies.clear();
  EXPECT_EQ(store.read(*found, {0, 50}).code(), Errc::corrupt);
}

}  // namespace
}  // namespace firn::test
