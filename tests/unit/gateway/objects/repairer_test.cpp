#include "maintenance/repairer.h"

#include <gtest/gtest.h>

#include "maintenance_rig.h"

namespace firn::objects {
namespace {

using test::extent_id;
using volume::DriveState;

struct Repairing : ::testing::Test, test::MaintenanceRig {
  Repairer repairer{context(), {}};
  void TearDown() override { run(repairer.stop()); }
  void start() {
    boost::asio::post(cluster.runtime().io(0), [this] { repairer.start(); });
  }
  erasure::ShardMask bad_shards(const volume::WrittenExtent& extent) {
    return cluster.run(cluster.client().verify(volume::testing::whole(extent))).value_or(~0U);
  }
  /// Drive 1 is another one from now on; the set's epoch says so.
  void replace_drive(const std::shared_ptr<volume::testing::FakeDrive>& replacement, SetId set) {
    cluster.client().connect(DriveIndex{1}, replacement);
    volume::ClusterMap map = cluster.map();
    ++map.version;
    map.drives[DriveIndex{1}].uuid.bytes[0] = 77;
    ++map.sets[set].epoch.value;
    cluster.install(map);
  }
};

TEST_F(Repairing, FillsAnEmptyReplacementFromItsPeers) {
  std::vector<volume::WrittenExtent> extents;
  for (std::uint64_t i = 1; i <= 4; ++i) extents.push_back(put(extent_id(1, i), i * 1'500'000));
  cluster.drive(3).forget_all();
  for (const auto& extent : extents) metadata.miss(extent, 0b1000);
  start();
  for (const auto& extent : extents) {
    EXPECT_TRUE(eventually([&] { return metadata.missing(extent.id) == 0; }));
    EXPECT_EQ(bad_shards(extent), 0U);
  }
  EXPECT_EQ(repairer.progress().extents_repaired, 4U);
  EXPECT_EQ(repairer.progress().repairs_failed, 0U);
}

TEST_F(Repairing, RecordsWhatWasReportedBeforeItIsRebuilt) {
  const auto extent = put(extent_id(1, 1), 100'000);
  cluster.drive(2).flip({extent.id, 0, 2}, kPageBytes + 5);
  cluster.drive(2).fail_appends(Errc::slow_down);
  start();
  repairer.report({.key = {extent.id, 0, 2}, .set = extent.set});
  EXPECT_TRUE(eventually([&] { return repairer.progress().repairs_failed > 0; }));
  EXPECT_EQ(metadata.missing(extent.id), 0b100U);
  cluster.drive(2).fail_appends(std::nullopt);
  repairer.poke();
  EXPECT_TRUE(eventually([&] { return metadata.missing(extent.id) == 0; }));
  EXPECT_EQ(bad_shards(extent), 0U);
}

TEST_F(Repairing, WaitsForADriveThatIsOutWithItsShardAlone) {
  const auto extent = put(extent_id(1, 1), 100'000);
  cluster.drive(0).forget_all();
  cluster.drive(5).forget_all();
  metadata.miss(extent, 0b100001);
  cluster.set_state(5, DriveState::out);
  start();
  EXPECT_TRUE(eventually([&] { return metadata.missing(extent.id) == 0b100000; }));
  cluster.set_state(5, DriveState::in);
  repairer.poke();
  EXPECT_TRUE(eventually([&] { return metadata.missing(extent.id) == 0; }));
  EXPECT_EQ(bad_shards(extent), 0U);
}

TEST_F(Repairing, GoesPastAnExtentThatCantBeRebuilt) {
  const auto lost = put(extent_id(1, 1), 100'000);
  const auto next = put(extent_id(1, 2), 100'000);
  for (std::uint8_t shard = 0; shard < 3; ++shard) cluster.drive(shard).forget({lost.id, 0, shard});
  cluster.drive(0).forget({next.id, 0, 0});
  metadata.miss(lost, 0b111);
  metadata.miss(next, 0b001);
  start();
  EXPECT_TRUE(eventually([&] { return metadata.missing(next.id) == 0; }));
  EXPECT_EQ(metadata.missing(lost.id), 0b111U);
  EXPECT_GT(repairer.progress().repairs_failed, 0U);
}

TEST_F(Repairing, LeavesNothingOfAnExtentThatWasRemovedMeanwhile) {
  const auto extent = put(extent_id(1, 1), 100'000);
  cluster.drive(4).forget_all();
  metadata.miss(extent, 0b10000);
  cluster.drive(4).hang_appends();
  start();
  // Its peers were read; then the object is deleted, and all drives forget the extent before the append arrives.
  EXPECT_TRUE(eventually([&] { return repairer.progress().repairing; }));
  EXPECT_TRUE(eventually([&] { return cluster.drive(0).reads() > 0; }));
  metadata.free(extent, 0);
  ASSERT_TRUE(cluster.run(cluster.client().remove(extent.set, std::vector<ExtentId>(1, extent.id))));
  ASSERT_TRUE(cluster.run(metadata.drop_freed(std::vector<std::uint64_t>(1, 1), cluster.client().map()->version)));
  cluster.drive(4).release_appends();
  EXPECT_TRUE(eventually([&] { return !repairer.progress().repairing; }));
  repairer.poke();
  EXPECT_TRUE(eventually([&] { return records(extent.id) == 0; }));
  EXPECT_EQ(repairer.progress().repairs_failed, 0U);
}

TEST_F(Repairing, OwesAShardAgainWhereItsDriveWasReplacedBeforeTheRepairWasRecorded) {
  const auto extent = put(extent_id(1, 1), 100'000);
  cluster.drive(1).forget_all();
  metadata.miss(extent, 0b10);
  auto replacement = std::make_shared<volume::testing::FakeDrive>(DriveIndex{1});
  metadata.before_mark_good = [&] {
    // It waits for a leader, and what the new drive owes is listed first.
    replace_drive(replacement, extent.set);
    metadata.miss(extent, 0b10);
  };
  start();
  EXPECT_TRUE(eventually([&] { return replacement->keys().size() == 1 && metadata.missing(extent.id) == 0; }));
  EXPECT_EQ(bad_shards(extent), 0U);
}

TEST_F(Repairing, DoesNotCountAShardGoodOnADriveThatWasReplacedMeanwhile) {
  const auto extent = put(extent_id(1, 1), 100'000);
  cluster.drive(0).forget({extent.id, 0, 0});
  metadata.miss(extent, 0b11);  // Shard 1 is there and sound.
  cluster.drive(0).hang_appends();
  start();
  EXPECT_TRUE(eventually([&] { return repairer.progress().repairing && cluster.drive(1).reads() > 0; }));
  auto replacement = std::make_shared<volume::testing::FakeDrive>(DriveIndex{1});
  replace_drive(replacement, extent.set);
  cluster.drive(0).release_appends();
  EXPECT_TRUE(eventually([&] { return metadata.missing(extent.id) == 0; }));
  EXPECT_EQ(bad_shards(extent), 0U);
  EXPECT_EQ(replacement->keys().size(), 1U);
}

}  // namespace
}  // namespace firn::objects
