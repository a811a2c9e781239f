#include "maintenance/orphan_sweeper.h"

#include <gtest/gtest.h>

#include "maintenance_rig.h"

namespace firn::objects {
namespace {

using test::extent_id;
using volume::DriveState;

constexpr std::size_t kPage = 10;

struct Sweeping : ::testing::Test, test::MaintenanceRig {
  OrphanSweeper sweeper{context(), kPage};
  void TearDown() override { run(sweeper.stop()); }
  void start() {
    boost::asio::post(cluster.runtime().io(0), [this] { sweeper.start(); });
  }
  /// Every drive that is in was walked up to the first open lease.
  bool swept() {
    for (std::uint16_t drive = 0; drive < cluster.drives(); ++drive) {
      if (!cluster.map().is_in(DriveIndex{drive})) continue;
      if (metadata.config("sweep/" + std::to_string(drive)) != std::to_string(first_open)) return false;
    }
    return true;
  }
};

TEST_F(Sweeping, RemovesWhatACrashLeftBetweenShardsAndCommit) {
  const auto held = put(extent_id(99, 1), 100'000);
  const auto orphaned = orphan(extent_id(99, 2), 9 << 20);
  ASSERT_GT(records(orphaned.id), 12U);
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(orphaned.id), 0U);
  EXPECT_EQ(records(held.id), 6U);
}

TEST_F(Sweeping, LeavesWhatIsStillBeingWrittenAlone) {
  const auto open = orphan(extent_id(100, 1), 100'000);
  const auto later = orphan(extent_id(101, 1), 100'000);
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(open.id), 6U);
  EXPECT_EQ(records(later.id), 6U);
}

TEST_F(Sweeping, LeavesWhatWaitsInTheFreeQueueToTheReclaimer) {
  const auto freed = put(extent_id(5, 1), 100'000);
  metadata.free(freed, clock.now_ms);
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(freed.id), 6U) << "readers have a grace period";
}

TEST_F(Sweeping, FindsUploadsThatBrokeOffOnceTheirLeaseIsClosed) {
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  const auto broken_off = orphan(extent_id(100, 7), 100'000);
  first_open = 102;
  sweeper.poke();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(broken_off.id), 0U);
}

TEST_F(Sweeping, BeginsWhereTheLastWalkEnded) {
  for (int drive = 0; drive < 6; ++drive) {
    (void)cluster.run(metadata.put_config("sweep/" + std::to_string(drive), "50"));
  }
  const auto old = orphan(extent_id(49, 1), 100'000);
  const auto recent = orphan(extent_id(50, 1), 100'000);
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(old.id), 6U) << "a start looks at what the last incarnation wrote, no more";
  EXPECT_EQ(records(recent.id), 0U);
}

TEST_F(Sweeping, WalksAllOfADriveThatReturns) {
  const auto freed = orphan(extent_id(3, 1), 100'000);
  for (int drive = 0; drive < 6; ++drive) {
    (void)cluster.run(metadata.put_config("sweep/" + std::to_string(drive), "100"));
  }
  cluster.set_state(4, DriveState::out);
  for (std::size_t i = 0; i < 6; ++i) {
    if (i != 4) cluster.drive(i).forget_all();
  }
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(freed.id), 1U);
  ASSERT_TRUE(cluster.run(sweeper.sweep_again(DriveIndex{4})));
  EXPECT_EQ(metadata.config("sweep/4"), "") << "recorded before it is in: a crash does not forget it";
  cluster.set_state(4, DriveState::in);
  sweeper.poke();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(freed.id), 0U);
}

TEST_F(Sweeping, WalksADriveAgainThatReturnsWhileItIsWalked) {
  std::vector<ExtentId> ids;
  for (std::uint64_t i = 1; i <= 3; ++i) ids.push_back(orphan(extent_id(7, i), 100'000).id);
  for (std::size_t i = 0; i < 6; ++i) cluster.drive(i).hang_reads();  // Lists go on; nothing else is needed here.
  start();
  ASSERT_TRUE(cluster.run(sweeper.sweep_again(DriveIndex{1})));
  sweeper.poke();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  for (const ExtentId id : ids) EXPECT_EQ(records(id), 0U);
  for (std::size_t i = 0; i < 6; ++i) cluster.drive(i).release_reads();
}

TEST_F(Sweeping, GoesOnWhileADriveIsOut) {
  cluster.set_state(0, DriveState::out);
  cluster.client().connect(DriveIndex{0}, nullptr);
  std::vector<ExtentId> ids;
  for (std::uint64_t i = 1; i <= 5; ++i) ids.push_back(orphan(extent_id(8, i), 3 << 20).id);
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  for (const ExtentId id : ids) EXPECT_EQ(records(id), 0U);
  EXPECT_EQ(metadata.config("sweep/0"), "");
}

TEST_F(Sweeping, RemovesWhatWasWrittenToASetThatNobodyKnowsAnyMore) {
  const auto orphaned = orphan(extent_id(9, 1), 100'000);  // As after a backup that is older than the set.
  volume::ClusterMap map = cluster.map();
  ++map.version;
  map.sets.clear();
  cluster.install(map);
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(orphaned.id), 0U);
}

TEST_F(Sweeping, CrossesPagesWithinAnExtent) {
  for (std::uint64_t i = 1; i < kPage; ++i) put(extent_id(2, i), 5'000);
  const auto wide = orphan(extent_id(2, kPage), 9 << 20);  // Three records on each drive, one of them on the page.
  const auto after = orphan(extent_id(2, kPage + 1), 20'000);
  start();
  ASSERT_TRUE(eventually([&] { return swept(); }));
  EXPECT_EQ(records(wide.id), 0U);
  EXPECT_EQ(records(after.id), 0U);
  EXPECT_EQ(records(extent_id(2, kPage - 1)), 6U);
}

TEST_F(Sweeping, IsAskedToGoBackOnlyWhenItHadGoneFurther) {
  (void)cluster.run(metadata.put_config("sweep/2", "70"));
  ASSERT_TRUE(cluster.run(sweep_again_from(metadata, DriveIndex{2}, LeaseId{80})));
  EXPECT_EQ(metadata.config("sweep/2"), "70");
  ASSERT_TRUE(cluster.run(sweep_again_from(metadata, DriveIndex{2}, LeaseId{60})));
  EXPECT_EQ(metadata.config("sweep/2"), "60");
  ASSERT_TRUE(cluster.run(sweep_again_from(metadata, DriveIndex{2}, LeaseId{0})));
  EXPECT_EQ(metadata.config("sweep/2"), "");
}

}  // namespace
}  // namespace firn::objects
