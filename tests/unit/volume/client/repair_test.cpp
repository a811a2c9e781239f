#include <gtest/gtest.h>

#include <bit>

#include "fake_cluster.h"
#include "firn/volume/stripe.h"

namespace firn::volume::testing {
namespace {

constexpr std::size_t kMiB = 1U << 20;

struct Fixture {
  explicit Fixture(std::size_t length) : bytes(some_bytes(length, length)), extent(*cluster.put(extent_id(1), bytes)) {}
  Result<erasure::ShardMask> repair(erasure::ShardMask wanted) {
    return cluster.run(cluster.client().repair(whole(extent), wanted));
  }
  Result<erasure::ShardMask> verify() { return cluster.run(cluster.client().verify(whole(extent))); }

  FakeCluster cluster;
  std::vector<std::byte> bytes;
  WrittenExtent extent;
};

constexpr std::size_t kLengths[] = {1, 20'000, kMiB, 5 * kMiB + 70'001};

TEST(Repair, RebuildsAnyTwoShardsOnEmptyDrives) {
  for (const std::size_t length : kLengths) {
    for (erasure::ShardMask lost = 1; lost < 64; ++lost) {
      if (std::popcount(lost) > 2) continue;
      Fixture f(length);
      std::vector<std::vector<std::byte>> before;
      for (std::uint8_t shard = 0; shard < 6; ++shard) {
        before.push_back(f.cluster.drive(shard).stored({extent_id(1), 0, shard}));
        if (lost & (1U << shard)) f.cluster.drive(shard).forget_all();
      }
      EXPECT_EQ(*f.verify(), lost);
      EXPECT_EQ(*f.repair(lost), lost);
      for (std::size_t i = 0; i < 6; ++i) f.cluster.drive(i).lose_power();
      EXPECT_EQ(*f.verify(), 0U);
      for (std::uint8_t shard = 0; shard < 6; ++shard) {
        const auto after = f.cluster.drive(shard).stored({extent_id(1), 0, shard});
        EXPECT_TRUE(std::equal(after.begin() + kPageBytes, after.end(), before[shard].begin() + kPageBytes,
                               before[shard].end()));
        EXPECT_EQ(reinterpret_cast<const RecordHeader*>(after.data())->owner_bucket, kBucket.value);
      }
      EXPECT_TRUE(f.cluster.damaged().empty()) << "repair does not report to itself";
    }
  }
}

TEST(Repair, WritesOnlyTheRecordsThatAreBad) {
  Fixture f(9 * kMiB);
  f.cluster.drive(1).flip({extent_id(1), 1, 1}, kPageBytes + 3);
  int appends = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    f.cluster.drive(i).on_append_bytes = [&appends](std::int64_t bytes) { appends += bytes > 0; };
  }
  EXPECT_EQ(*f.verify(), 0b10U);
  EXPECT_EQ(*f.repair(0b10), 0b10U);
  EXPECT_EQ(appends, 1);
  EXPECT_EQ(*f.verify(), 0U);
  EXPECT_EQ(*f.cluster.get(f.extent), f.bytes);
}

TEST(Repair, ReplacesAShardThatPassesItsChecksumsButDoesNotFit) {
  Fixture f(100'000);
  const RecordKey parity{extent_id(1), 0, 5};
  auto record = f.cluster.drive(5).stored(parity);
  record[kPageBytes + 10] ^= std::byte{1};
  f.cluster.drive(5).replace(parity, record);
  EXPECT_EQ(*f.verify(), 0b100000U);
  EXPECT_EQ(*f.repair(0b100000), 0b100000U);
  EXPECT_EQ(*f.verify(), 0U);
}

TEST(Repair, SyncsWhatItFindsGood) {
  for (const std::size_t length : kLengths) {
    FakeCluster cluster;
    // Written and then broken off: no drive was synced.
    for (std::size_t i = 0; i < 6; ++i) cluster.drive(i).fail_syncs(Errc::cancelled);
    const auto bytes = some_bytes(length, length);
    EXPECT_FALSE(cluster.put(extent_id(1), bytes));
    for (std::size_t i = 0; i < 6; ++i) cluster.drive(i).fail_syncs(std::nullopt);
    const RecordKey third{extent_id(1), 0, 3};
    ASSERT_FALSE(cluster.drive(3).is_synced(third));
    const ExtentPart part{extent_id(1), kSet, length, {0, length}};
    ASSERT_EQ(*cluster.run(cluster.client().repair(part, 0b001000)), 0b001000U);
    EXPECT_TRUE(cluster.drive(3).is_synced(third)) << length << " bytes";
    cluster.drive(3).lose_power();
    EXPECT_EQ(*cluster.run(cluster.client().verify(part)), 0U);
  }
}

TEST(Repair, CountsNothingThatItFindsGoodAndCantSync) {
  Fixture f(100'000);
  f.cluster.drive(3).fail_syncs(Errc::cancelled);
  EXPECT_EQ(*f.repair(0b001000), 0U);
}

TEST(Repair, CountsNothingThatItCantReadBack) {
  Fixture f(100'000);
  f.cluster.drive(3).forget_all();
  f.cluster.drive(3).fail_reads(Errc::io_error);
  EXPECT_EQ(*f.repair(0b1000), 0U);
}

TEST(Repair, CountsNothingThatWasNotSynced) {
  Fixture f(100'000);
  f.cluster.drive(3).forget_all();
  f.cluster.drive(3).fail_syncs(Errc::io_error);
  EXPECT_EQ(*f.repair(0b1000), 0U);
}

TEST(Repair, LeavesDrivesThatAreOutForLater) {
  Fixture f(100'000);
  f.cluster.drive(0).forget_all();
  f.cluster.drive(3).forget_all();
  f.cluster.set_state(3, DriveState::out);
  EXPECT_EQ(*f.repair(0b1001), 0b0001U);
  EXPECT_TRUE(f.cluster.drive(3).keys().empty());
}

TEST(Repair, WritesUnderTheEpochOfToday) {
  Fixture f(100'000);
  f.cluster.drive(2).forget_all();
  f.cluster.set_state(2, DriveState::out);
  f.cluster.set_state(2, DriveState::in);
  f.cluster.raise_epoch_on_drives(SetEpoch{3});
  EXPECT_EQ(*f.repair(0b100), 0b100U);
  const auto record = f.cluster.drive(2).stored({extent_id(1), 0, 2});
  EXPECT_EQ(reinterpret_cast<const RecordHeader*>(record.data())->set_epoch, 3U);
}

TEST(Repair, FindsWhatAnotherDriveOwnsToday) {
  Fixture f(100'000);
  auto replacement = std::make_shared<FakeDrive>(DriveIndex{6});
  f.cluster.client().connect(DriveIndex{6}, replacement);
  ClusterMap map = f.cluster.map();
  map.version = 2;
  map.drives[DriveIndex{6}] = {.index = DriveIndex{6}, .domain = "new"};
  map.sets[kSet].members[1] = DriveIndex{6};
  map.sets[kSet].epoch = SetEpoch{2};
  f.cluster.install(map);
  EXPECT_EQ(*f.verify(), 0b10U);
  EXPECT_EQ(*f.repair(0b10), 0b10U);
  EXPECT_EQ(*f.verify(), 0U);
  EXPECT_EQ(replacement->keys().size(), 1U);
}

TEST(Repair, RefusesWithThreeShardsGone) {
  Fixture f(100'000);
  for (std::size_t i = 0; i < 3; ++i) f.cluster.drive(i).forget_all();
  EXPECT_EQ(f.repair(0b111).code(), Errc::corrupt);
  EXPECT_EQ(*f.verify(), 0b111U);
}

TEST(Repair, SaysThatAnExtentIsGone) {
  Fixture f(5 * kMiB);
  for (std::size_t i = 0; i < 6; ++i) f.cluster.drive(i).forget_all();
  EXPECT_EQ(f.repair(0b111111).code(), Errc::not_found);
  EXPECT_EQ(f.verify().code(), Errc::not_found);
}

TEST(Verify, FindsAFlippedBitInEveryShard) {
  for (const std::size_t length : kLengths) {
    for (std::uint8_t shard = 0; shard < 6; ++shard) {
      Fixture f(length);
      f.cluster.drive(shard).flip({extent_id(1), 0, shard}, 600);
      EXPECT_EQ(*f.verify(), 1U << shard) << length;
    }
  }
}

}  // namespace
}  // namespace firn::volume::testing
