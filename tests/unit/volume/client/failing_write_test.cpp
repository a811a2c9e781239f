#include <gtest/gtest.h>

#include "fake_cluster.h"

namespace firn::volume::testing {
namespace {

constexpr std::size_t kMiB = 1U << 20;

/// So that a test in which no map comes need not wait for seconds.
constexpr Client::Options kShortFenceWait{.fence_wait = std::chrono::milliseconds(20)};

class FailingWrite : public ::testing::TestWithParam<std::size_t> {};  // Lengths: one small, one of many stripes.
INSTANTIATE_TEST_SUITE_P(SmallAndLarge, FailingWrite, ::testing::Values(64U << 10, 9 * kMiB + 17));

TEST_P(FailingWrite, GoesOnWithoutADriveThatAMapHasFenced) {
  FakeCluster cluster;
  const auto bytes = some_bytes(GetParam(), 1);
  cluster.drive(2).fail_appends(Errc::io_error, GetParam() > kMiB ? 1 : 0);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  EXPECT_EQ(written->missing, 0b000100U);
  EXPECT_EQ(written->epoch, SetEpoch{1}) << "the lowest epoch any record was appended under";
  ASSERT_FALSE(cluster.failed_drives().empty());
  EXPECT_EQ(cluster.failed_drives()[0], DriveIndex{2});
  for (std::size_t i = 0; i < 6; ++i) cluster.drive(i).lose_power();
  EXPECT_EQ(*cluster.get(*written), bytes);
}

TEST_P(FailingWrite, IsRefusedWhenNoMapFencesTheDrive) {
  FakeCluster cluster({.options = kShortFenceWait, .fence_failed_drives = false});
  cluster.drive(2).fail_appends(Errc::io_error);
  EXPECT_EQ(cluster.put(extent_id(1), some_bytes(GetParam(), 2)).code(), Errc::durability_unavailable);
  EXPECT_FALSE(cluster.failed_drives().empty());
}

TEST_P(FailingWrite, TreatsAFailedSyncAsALostShard) {
  FakeCluster cluster;
  const auto bytes = some_bytes(GetParam(), 3);
  cluster.drive(5).fail_syncs(Errc::io_error);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  EXPECT_EQ(written->missing, 0b100000U);
  EXPECT_EQ(cluster.failed_drives().at(0), DriveIndex{5});
}

TEST_P(FailingWrite, IsRefusedWhenNoMapFencesADriveThatCantSync) {
  FakeCluster cluster({.options = kShortFenceWait, .fence_failed_drives = false});
  cluster.drive(5).fail_syncs(Errc::io_error);
  EXPECT_EQ(cluster.put(extent_id(1), some_bytes(GetParam(), 4)).code(), Errc::durability_unavailable);
}

TEST_P(FailingWrite, IsRefusedWhenTwoDrivesFail) {
  FakeCluster cluster({.options = kShortFenceWait});
  cluster.drive(0).fail_appends(Errc::io_error);
  cluster.drive(3).fail_appends(Errc::drive_out);
  EXPECT_EQ(cluster.put(extent_id(1), some_bytes(GetParam(), 5)).code(), Errc::durability_unavailable)
      << "four shards don't survive one more loss";
}

TEST_P(FailingWrite, LeavesOutADriveKnownToBeOut) {
  FakeCluster cluster;
  cluster.set_state(4, DriveState::out);
  const auto bytes = some_bytes(GetParam(), 6);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  EXPECT_EQ(written->missing, 0b010000U);
  EXPECT_EQ(written->epoch, SetEpoch{2});
  EXPECT_TRUE(cluster.drive(4).keys().empty());
  EXPECT_TRUE(cluster.failed_drives().empty()) << "that it is out is no news";
  EXPECT_EQ(*cluster.get(*written), bytes);
}

TEST_P(FailingWrite, IsRefusedAtOnceWhenTwoDrivesAreKnownToBeOut) {
  FakeCluster cluster;
  cluster.set_state(4, DriveState::out);
  cluster.set_state(0, DriveState::out);
  EXPECT_EQ(cluster.put(extent_id(1), some_bytes(GetParam(), 7)).code(), Errc::durability_unavailable);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_TRUE(cluster.drive(i).keys().empty());
}

TEST_P(FailingWrite, ReportsADriveThatIsAbsentThoughTheMapHasItIn) {
  FakeCluster cluster;
  cluster.client().connect(DriveIndex{1}, nullptr);
  const auto written = cluster.put(extent_id(1), some_bytes(GetParam(), 8));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->missing, 0b000010U);
  EXPECT_EQ(cluster.failed_drives().at(0), DriveIndex{1});
}

TEST_P(FailingWrite, SaysThatSpaceIsLackingAndFencesNothing) {
  FakeCluster cluster;
  cluster.drive(3).fail_appends(Errc::drive_full);
  EXPECT_EQ(cluster.put(extent_id(1), some_bytes(GetParam(), 9)).code(), Errc::insufficient_storage);
  EXPECT_TRUE(cluster.failed_drives().empty());
  cluster.drive(3).fail_appends(std::nullopt);
  EXPECT_TRUE(cluster.put(extent_id(2), some_bytes(GetParam(), 9))) << "space has returned";
}

TEST_P(FailingWrite, TakesTheNewEpochAndTriesOnce) {
  FakeCluster cluster({.options = {.fence_wait = std::chrono::seconds(60)}});
  cluster.raise_epoch_on_drives(SetEpoch{2});
  auto writing = cluster.start(put_extent(cluster.client(), extent_id(1), some_bytes(GetParam(), 10), 1U << 20));
  ClusterMap map = cluster.map();
  map.version = 2;
  map.sets[kSet].epoch = SetEpoch{2};
  cluster.install(map);
  const auto written = writing.get();
  ASSERT_TRUE(written);
  EXPECT_EQ(written->epoch, SetEpoch{2});
  EXPECT_EQ(written->missing, 0U);
  EXPECT_TRUE(cluster.failed_drives().empty());
}

TEST_P(FailingWrite, IsRefusedWhenTheNewEpochNeverComes) {
  FakeCluster cluster({.options = kShortFenceWait});
  cluster.raise_epoch_on_drives(SetEpoch{2});
  EXPECT_EQ(cluster.put(extent_id(1), some_bytes(GetParam(), 11)).code(), Errc::durability_unavailable);
  EXPECT_TRUE(cluster.failed_drives().empty()) << "drives that know better are not to blame";
}

TEST(FullDrive, SendsNewExtentsToASetWithRoom) {
  FakeCluster cluster({.shape = {2, 1}});
  auto spare = std::make_shared<FakeDrive>(DriveIndex{3});
  cluster.client().connect(DriveIndex{3}, spare);
  ClusterMap map = cluster.map();
  map.version = 2;
  map.drives[DriveIndex{3}] = {.index = DriveIndex{3}, .domain = "spare"};
  map.sets[SetId{2}] = {
      .id = SetId{2}, .epoch = SetEpoch{1}, .shape = {2, 1}, .members = {DriveIndex{0}, DriveIndex{1}, DriveIndex{3}}};
  cluster.install(map);
  cluster.drive(2).fail_appends(Errc::drive_full);
  int refused = 0;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const auto written = cluster.put(extent_id(i), some_bytes(30'000, i));
    if (written) {
      EXPECT_EQ(written->set, SetId{2});
    } else {
      ++refused;
    }
  }
  EXPECT_LE(refused, 1) << "one to find out";
}

Task<> fill(ExtentWriter& writer, std::size_t bytes) {
  while (bytes > 0) {
    CO_TRY_LET(const MutableBytes window, co_await writer.window());
    const std::size_t now = std::min(bytes, window.size());
    std::fill_n(window.begin(), now, std::byte{0x5A});
    writer.advance(now);
    bytes -= now;
  }
  co_return Unit{};
}

enum class MidWrite { drive_replaced, place_moved, drive_back };

Task<WrittenExtent> change_mid_write(FakeCluster& cluster, MidWrite change) {
  const std::size_t length = 12 * kMiB;
  CO_TRY_LET(const auto writer, cluster.client().write(extent_id(1), length, kBucket));
  CO_TRY(co_await fill(*writer, length / 2));
  ClusterMap map = cluster.map();
  ++map.version;
  ++map.sets[kSet].epoch.value;
  switch (change) {
    case MidWrite::drive_replaced:
      map.drives[DriveIndex{1}].uuid.bytes[15] = 0xFF;
      break;
    case MidWrite::place_moved:
      map.sets[kSet].members[1] = DriveIndex{2};
      break;
    case MidWrite::drive_back:
      map.drives[DriveIndex{1}].state = DriveState::in;
      break;
  }
  cluster.install(map);
  CO_TRY(co_await fill(*writer, length / 2));
  co_return co_await writer->finish();
}

TEST(MapChangeMidWrite, CountsNothingOnADriveThatWasReplaced) {
  FakeCluster cluster;
  const auto written = cluster.run(change_mid_write(cluster, MidWrite::drive_replaced));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->missing, 0b000010U);
  EXPECT_EQ(written->epoch, SetEpoch{1});
  EXPECT_TRUE(cluster.failed_drives().empty());
}

TEST(MapChangeMidWrite, CountsNothingInAPlaceThatMoved) {
  FakeCluster cluster({.options = kShortFenceWait});
  // The set would then hold two shards on drive 2, which asks for six safe shards.
  EXPECT_EQ(cluster.run(change_mid_write(cluster, MidWrite::place_moved)).code(), Errc::durability_unavailable);
}

TEST(MapChangeMidWrite, LeavesADriveThatReturnsToRepair) {
  FakeCluster cluster;
  cluster.set_state(1, DriveState::out);
  const auto written = cluster.run(change_mid_write(cluster, MidWrite::drive_back));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->missing, 0b000010U);
  EXPECT_EQ(written->epoch, SetEpoch{2});
}

Task<WrittenExtent> fence_after_the_last_byte(FakeCluster& cluster, std::size_t drive) {
  const std::size_t length = 2 * kMiB;
  CO_TRY_LET(const auto writer, cluster.client().write(extent_id(1), length, kBucket));
  CO_TRY(co_await fill(*writer, length));
  cluster.set_state(drive, DriveState::out);
  cluster.set_state(drive + 1, DriveState::out);
  co_return co_await writer->finish();
}

Task<WrittenExtent> reopen_before_the_sync(FakeCluster& cluster, std::shared_ptr<FakeDrive> reopened) {
  const std::size_t length = 2 * kMiB;
  CO_TRY_LET(const auto writer, cluster.client().write(extent_id(1), length, kBucket));
  CO_TRY(co_await fill(*writer, length));
  // What the old service had not flushed may be lost, and it says so.
  cluster.client().connect(reopened->index(), reopened);
  cluster.drive(reopened->index().value).fail_syncs(Errc::drive_out);
  co_return co_await writer->finish();
}

TEST(DriveReopenedMidWrite, IsNotTakenForTheOneThatHasTheRecords) {
  FakeCluster cluster;
  const auto reopened = std::make_shared<FakeDrive>(DriveIndex{4});
  const auto written = cluster.run(reopen_before_the_sync(cluster, reopened));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->missing, 0b010000U);
  EXPECT_EQ(reopened->syncs(), 0U);
}

TEST(MapChangeMidWrite, DoesNotCountShardsOnDrivesFencedMeanwhile) {
  FakeCluster cluster;
  EXPECT_EQ(cluster.run(fence_after_the_last_byte(cluster, 2)).code(), Errc::durability_unavailable)
      << "six shards were written, but only four lie on drives that are in";
}

}  // namespace
}  // namespace firn::volume::testing
