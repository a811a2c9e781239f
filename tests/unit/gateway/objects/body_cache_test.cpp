#include "src/body_cache.h"

#include "store_fixture.h"

namespace firn::test {
namespace {

using objects::BodyCache;

ExtentId extent(std::uint64_t counter) { return {.lease = LeaseId{3}, .counter = counter}; }

SharedBytes body(std::size_t bytes) {
  auto owner = std::make_shared<Buffer>(bytes);
  return {owner, owner->view()};
}

TEST(BodyCache, WantsASmallExtentFromItsSecondReadingOn) {
  BodyCache cache(64 << 20);
  EXPECT_FALSE(cache.wants(extent(1), 1'000));
  EXPECT_TRUE(cache.wants(extent(1), 1'000));
  EXPECT_FALSE(cache.wants(extent(2), BodyCache::kExtentBytesMax + 1));
  EXPECT_FALSE(cache.wants(extent(2), BodyCache::kExtentBytesMax + 1));
}

TEST(BodyCache, KeepsWhatWasReadLastWithinItsBytes) {
  constexpr std::size_t kBodyBytes = 64 << 10;
  constexpr std::uint64_t kCount = 1'000;
  BodyCache cache(kCount / 2 * kBodyBytes);
  for (std::uint64_t i = 0; i < kCount; ++i) {
    cache.put(extent(i), body(kBodyBytes));
    EXPECT_TRUE(cache.find(extent(0)).owner) << "asked for all the time, so never the oldest";
  }
  std::size_t kept = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) kept += cache.find(extent(i)).owner ? 1 : 0;
  EXPECT_GT(kept, kCount / 4);
  EXPECT_LE(kept, kCount / 2);
}

TEST(BodyCache, OfNoBytesKeepsNothing) {
  BodyCache cache(0);
  EXPECT_FALSE(cache.wants(extent(1), 1));
  EXPECT_FALSE(cache.wants(extent(1), 1));
}

struct CachingStore : StoreFixture {
  CachingStore() : StoreFixture({.gateway = Uuid{{7}}, .body_cache_bytes = 64 << 20}) {}
};

TEST_F(CachingStore, ReadsASmallExtentFromTheDrivesTwiceAndThenNoMore) {
  const std::string text = text_of(100'000);
  ASSERT_TRUE(put("k", text));
  EXPECT_EQ(*read("k", ByteRange{70'000, 10}), text.substr(70'000, 10));
  EXPECT_EQ(volumes.bytes_read, 10U);
  EXPECT_EQ(*read("k", ByteRange{5, 20}), text.substr(5, 20));
  EXPECT_EQ(volumes.bytes_read, 10U + text.size()) << "the second reading fetches all of it";
  EXPECT_EQ(*read("k"), text);
  EXPECT_EQ(*read("k", ByteRange{99'999, 1}), text.substr(99'999, 1));
  EXPECT_EQ(volumes.bytes_read, 10U + text.size());
}

TEST_F(CachingStore, ServesWhatAKeyHasNowAndNotWhatItHad) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    const std::string text = text_of(50'000, seed);
    ASSERT_TRUE(put("k", text));
    for (int times = 0; times < 3; ++times) EXPECT_EQ(*read("k"), text);
  }
}

TEST_F(CachingStore, StreamsLargeExtentsPastTheCache) {
  const std::string text = text_of(BodyCache::kExtentBytesMax + 1);
  ASSERT_TRUE(put("k", text));
  for (std::size_t times = 1; times <= 3; ++times) {
    EXPECT_EQ(*read("k"), text);
    EXPECT_EQ(volumes.bytes_read, times * text.size());
  }
}

TEST_F(CachingStore, DoesNotKeepWhatCouldNotBeReadWhole) {
  const std::string text = text_of(50'000);
  ASSERT_TRUE(put("k", text));
  EXPECT_EQ(*read("k"), text);
  volumes.read_failure = Errc::corrupt;
  EXPECT_EQ(read("k").code(), Errc::corrupt);
  volumes.read_failure.reset();
  EXPECT_EQ(*read("k"), text);
}

}  // namespace
}  // namespace firn::test
