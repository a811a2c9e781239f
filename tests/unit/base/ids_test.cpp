#include "firn/base/ids.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>

namespace firn {
namespace {

static_assert(!std::is_convertible_v<BucketId, LeaseId> && !std::is_convertible_v<std::uint64_t, BucketId>,
              "an id is no other id and no number");

Uuid sample() {
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) uuid.bytes[i] = static_cast<std::uint8_t>(0xF0 + i);
  return uuid;
}

TEST(Uuid, IsWrittenAsThirtyTwoDigitsAndReadBack) {
  EXPECT_EQ(to_string(sample()), "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  Uuid read;
  ASSERT_TRUE(parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", read));
  EXPECT_EQ(read, sample());
}

TEST(Uuid, RefusesEverythingElseAndKeepsItsValue) {
  Uuid uuid = sample();
  EXPECT_FALSE(parse("", uuid));
  EXPECT_FALSE(parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfe", uuid));
  EXPECT_FALSE(parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00", uuid));
  EXPECT_FALSE(parse("f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff", uuid));
  EXPECT_FALSE(parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfefg", uuid));
  EXPECT_EQ(uuid, sample());
}

TEST(ExtentId, IsWrittenAsLeaseAndCounter) {
  EXPECT_EQ(to_string(ExtentId{LeaseId{0x2A}, 255}), "2a-ff");
  EXPECT_EQ(to_string(ExtentId{LeaseId{~0ULL}, 0}), "ffffffffffffffff-0");
}

TEST(Ids, OrderByValue) {
  EXPECT_LT(BucketId{1}, BucketId{2});
  EXPECT_LT((ExtentId{LeaseId{1}, 9}), (ExtentId{LeaseId{2}, 0}));
  EXPECT_LT((VersionOrder{1, 9}), (VersionOrder{2, 0}));
  EXPECT_LT((VersionOrder{1, 8}), (VersionOrder{1, 9}));
}

TEST(Ids, HashApart) {
  std::unordered_set<ExtentId> extents;
  std::unordered_set<std::size_t> hashes;
  for (std::uint64_t lease = 0; lease < 32; ++lease) {
    for (std::uint64_t counter = 0; counter < 32; ++counter) {
      extents.insert({LeaseId{lease}, counter});
      hashes.insert(std::hash<ExtentId>{}({LeaseId{lease}, counter}));
    }
  }
  EXPECT_EQ(extents.size(), 1024U);
  EXPECT_EQ(hashes.size(), 1024U);
  EXPECT_EQ(std::unordered_set<BucketId>({BucketId{1}, BucketId{2}, BucketId{1}}).size(), 2U);
}

TEST(ByteRange, EndsBehindItsLastByte) {
  EXPECT_EQ((ByteRange{10, 5}).end(), 15U);
  EXPECT_EQ((ByteRange{10, 0}).end(), 10U);
}

}  // namespace
}  // namespace firn
