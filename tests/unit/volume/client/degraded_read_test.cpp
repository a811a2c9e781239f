#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "fake_cluster.h"
#include "firn/volume/stripe.h"

namespace firn::volume::testing {
namespace {

constexpr std::size_t kMiB = 1U << 20;

/// Lengths whose last stripe ends in whole, cut and empty shards.
std::vector<std::size_t> telling_lengths() {
  return {1, 4097, (16U << 10) + 1, 64U << 10, kMiB - 1, 4 * kMiB + 1, 5 * kMiB + 70'001};
}

void forget_shards(FakeCluster& cluster, erasure::ShardMask shards) {
  for (unsigned shard = 0; shard < 6; ++shard) {
    if (shards & (1U << shard)) cluster.drive(shard).forget_all();
  }
}

class LossPattern : public ::testing::TestWithParam<erasure::ShardMask> {};

TEST_P(LossPattern, ReadsWholeExtentsAndRangesBitExact) {
  FakeCluster cluster;
  std::mt19937_64 random(7);
  std::vector<std::pair<WrittenExtent, std::vector<std::byte>>> extents;
  for (const std::size_t length : telling_lengths()) {
    auto bytes = some_bytes(length, length);
    auto written = cluster.put(extent_id(extents.size() + 1), bytes);
    ASSERT_TRUE(written);
    extents.emplace_back(*written, std::move(bytes));
  }
  forget_shards(cluster, GetParam());
  for (const auto& [extent, bytes] : extents) {
    const auto whole_bytes = cluster.get(extent);
    ASSERT_TRUE(whole_bytes) << extent.length_bytes;
    EXPECT_EQ(*whole_bytes, bytes) << extent.length_bytes;
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t offset = random() % bytes.size();
      const ByteRange range{offset, 1 + random() % (bytes.size() - offset)};
      EXPECT_EQ(*cluster.get(extent, range), part_of(bytes, range));
    }
  }
  for (const DamagedRecord& record : cluster.damaged()) {
    EXPECT_TRUE(GetParam() & (1U << record.key.shard));
    EXPECT_EQ(record.reason, Errc::not_found);
  }
}

TEST_P(LossPattern, ReadsWithTheDrivesOutAndAway) {
  FakeCluster cluster;
  const auto bytes = some_bytes(5 * kMiB + 70'001, 1);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  for (std::uint16_t drive = 0; drive < 6; ++drive) {
    if (!(GetParam() & (1U << drive))) continue;
    cluster.set_state(drive, DriveState::out);
    cluster.client().connect(DriveIndex{drive}, nullptr);
  }
  EXPECT_EQ(*cluster.get(*written), bytes);
  EXPECT_TRUE(cluster.damaged().empty());
  EXPECT_TRUE(cluster.failed_drives().empty());
}

std::vector<erasure::ShardMask> up_to_two_of_six() {
  std::vector<erasure::ShardMask> patterns;
  for (erasure::ShardMask mask = 0; mask < 64; ++mask) {
    if (std::popcount(mask) <= 2) patterns.push_back(mask);
  }
  return patterns;
}
INSTANTIATE_TEST_SUITE_P(All22, LossPattern, ::testing::ValuesIn(up_to_two_of_six()));

TEST(DegradedRead, NeverServesFromThreeBadShards) {
  for (erasure::ShardMask lost = 0; lost < 64; ++lost) {
    if (std::popcount(lost) != 3) continue;
    FakeCluster cluster;
    const auto bytes = some_bytes(300'000, lost);
    const auto written = cluster.put(extent_id(1), bytes);
    ASSERT_TRUE(written);
    for (std::uint8_t shard = 0; shard < 6; ++shard) {
      if (lost & (1U << shard)) cluster.drive(shard).flip({extent_id(1), 0, shard}, kPageBytes + 5'000);
    }
    const auto read = cluster.get(*written);
    if ((lost & 0b1111) == 0) {
      EXPECT_EQ(*read, bytes);
    } else {
      EXPECT_EQ(read.code(), Errc::corrupt) << lost;
    }
  }
}

Task<> read_first(FakeCluster& cluster, ExtentPart part) {
  const auto reader = cluster.client().read({part});
  CO_TRY(co_await reader->next());
  co_return Unit{};
}

/// Whoever has had bytes has promised all of them by then.
TEST(DegradedRead, FailsBeforeTheFirstByteWhenTheFirstMebibyteIsNotAllThere) {
  for (const std::size_t length : {std::size_t{30'000}, std::size_t{300'000}, kMiB}) {
    FakeCluster cluster;
    const auto written = cluster.put(extent_id(1), some_bytes(length, 1));
    ASSERT_TRUE(written);
    for (const std::uint8_t shard : {1, 4, 5}) cluster.drive(shard).flip({extent_id(1), 0, shard}, kPageBytes + 5'000);
    EXPECT_EQ(cluster.run(read_first(cluster, part(*written, {0, length}))).code(), Errc::corrupt) << length;
    const ByteRange there{0, 10'000};
    EXPECT_TRUE(cluster.get(*written, there)) << "what lies on the first shard alone";
  }
}

/// A byte of every region: magic, checksum, identity, lengths, place, reserved, block checksums, payload.
constexpr std::size_t kRegions[] = {
    0,  7,  8,  16,  18,  19,  21,  24,  32,   40,   48,   56,   60,        64,       68,           72,
    80, 88, 96, 112, 120, 130, 511, 512, 2559, 2560, 4095, 4096, 4096 + 99, 4096 * 2, 4096 * 4 + 1, 4096 * 5 - 1};

TEST(DegradedRead, ServesRightBytesAndReportsDamageForAFlippedBitAnywhere) {
  FakeCluster cluster;
  const auto bytes = some_bytes(64U << 10, 2);
  std::mt19937_64 random(3);
  std::uint64_t counter = 0;
  for (const std::size_t byte : kRegions) {
    const ExtentId id = extent_id(++counter);
    const auto written = cluster.put(id, bytes);
    ASSERT_TRUE(written);
    const RecordKey hit{id, 0, static_cast<std::uint8_t>(random() % 4)};
    cluster.drive(hit.shard).flip(hit, byte, static_cast<unsigned>(random() % 8));
    cluster.forget_events();
    const auto read = cluster.get(*written);
    ASSERT_TRUE(read) << "byte " << byte;
    EXPECT_EQ(*read, bytes) << "byte " << byte;
    ASSERT_EQ(cluster.damaged().size(), 1U) << "byte " << byte;
    EXPECT_EQ(cluster.damaged()[0].key, hit);
    EXPECT_EQ(cluster.damaged()[0].set, kSet);
  }
  EXPECT_TRUE(cluster.failed_drives().empty());
}

TEST(DegradedRead, DetectsARecordOfAnotherExtentInItsPlace) {
  FakeCluster cluster;
  const auto bytes = some_bytes(100'000, 4);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  ASSERT_TRUE(cluster.put(extent_id(2), some_bytes(100'000, 5)));
  cluster.drive(1).replace({extent_id(1), 0, 1}, cluster.drive(1).stored({extent_id(2), 0, 1}));
  EXPECT_EQ(*cluster.get(*written), bytes);
  ASSERT_EQ(cluster.damaged().size(), 1U);
  EXPECT_EQ(cluster.damaged()[0].reason, Errc::corrupt);
}

TEST(DegradedRead, ReportsADriveThatCantBeReadAndServes) {
  FakeCluster cluster;
  const auto bytes = some_bytes(100'000, 6);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  cluster.drive(2).fail_reads(Errc::io_error);
  EXPECT_EQ(*cluster.get(*written), bytes);
  ASSERT_EQ(cluster.failed_drives().size(), 1U);
  EXPECT_EQ(cluster.failed_drives()[0], DriveIndex{2});

  const std::size_t reads = cluster.drive(2).reads();
  EXPECT_EQ(*cluster.get(*written), bytes);
  EXPECT_EQ(cluster.drive(2).reads(), reads) << "a drive that is out is not asked again";
}

TEST(DegradedRead, AsksADriveThatIsOutWhenTheOthersDontSuffice) {
  FakeCluster cluster;
  const auto bytes = some_bytes(100'000, 7);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  for (const std::size_t drive : {0U, 1U, 2U}) cluster.set_state(drive, DriveState::out);
  EXPECT_EQ(*cluster.get(*written), bytes);
}

TEST(DegradedRead, ReadsOnlyTheRangeOfTheOtherShards) {
  FakeCluster cluster;
  const auto bytes = some_bytes(8 * kMiB, 8);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  cluster.set_state(1, DriveState::out);
  const ByteRange range{kMiB + 10'000, 65'536};
  EXPECT_EQ(*cluster.get(*written, range), part_of(bytes, range));
  std::uint64_t read = 0;
  for (std::size_t i = 0; i < 6; ++i) read += cluster.drive(i).bytes_read();
  EXPECT_EQ(read, 4 * (65'536U + kPageBytes));
}

TEST(DegradedRead, SharesReadsBetweenTheChunksOfAStripe) {
  FakeCluster cluster;
  const auto bytes = some_bytes(kMiB, 9);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  cluster.set_state(2, DriveState::out);
  EXPECT_EQ(*cluster.get(*written), bytes);
  std::uint64_t read = 0;
  for (std::size_t i = 0; i < 6; ++i) read += cluster.drive(i).bytes_read();
  EXPECT_EQ(read, kMiB) << "three data chunks and one of parity give the fourth";
}

}  // namespace
}  // namespace firn::volume::testing
