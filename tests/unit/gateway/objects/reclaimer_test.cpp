#include "maintenance/reclaimer.h"

#include <gtest/gtest.h>

#include "maintenance_rig.h"

namespace firn::objects {
namespace {

using namespace std::chrono_literals;
using test::extent_id;

struct Reclaiming : ::testing::Test, test::MaintenanceRig {
  Reclaimer reclaimer{context(), 30s};
  void TearDown() override { run(reclaimer.stop()); }
  void start() {
    boost::asio::post(cluster.runtime().io(0), [this] { reclaimer.start(); });
  }
};

TEST_F(Reclaiming, TakesWhatWasFreedOffEveryDriveAfterTheGracePeriod) {
  const auto freed = put(extent_id(1, 1), 100'000);
  const auto kept = put(extent_id(1, 2), 100'000);
  metadata.free(freed, clock.now_ms - 30'000);
  start();
  EXPECT_TRUE(eventually([&] { return metadata.freed() == 0; }));
  EXPECT_EQ(records(freed.id), 0U);
  EXPECT_EQ(records(kept.id), 6U);
}

TEST_F(Reclaiming, LeavesTheGracePeriodToReaders) {
  const auto due = put(extent_id(1, 1), 100'000);
  const auto fresh = put(extent_id(1, 2), 100'000);
  metadata.free(due, clock.now_ms - 30'000);
  metadata.free(fresh, clock.now_ms - 29'999);
  start();
  EXPECT_TRUE(eventually([&] { return metadata.freed() == 1; }));
  EXPECT_EQ(records(fresh.id), 6U);
  clock.now_ms += 1;
  reclaimer.poke();
  EXPECT_TRUE(eventually([&] { return metadata.freed() == 0; }));
  EXPECT_EQ(records(fresh.id), 0U);
}

TEST_F(Reclaiming, ForgetsNoEntryBeforeEveryDriveIsDurablyWithoutTheExtent) {
  const auto freed = put(extent_id(1, 1), 100'000);
  metadata.free(freed, 0);
  cluster.client().connect(DriveIndex{2}, nullptr);  // In, but it does not answer.
  start();
  EXPECT_TRUE(eventually([&] { return records(freed.id) == 1; }));
  EXPECT_EQ(metadata.freed(), 1U);
  cluster.client().connect(DriveIndex{2}, cluster.shared_drive(2));
  reclaimer.poke();
  EXPECT_TRUE(eventually([&] { return metadata.freed() == 0; }));
  EXPECT_EQ(records(freed.id), 0U);
  for (std::size_t i = 0; i < cluster.drives(); ++i) EXPECT_GT(cluster.drive(i).index_syncs(), 0U);
}

TEST_F(Reclaiming, DoesNotWaitForADriveThatIsOut) {
  const auto freed = put(extent_id(1, 1), 100'000);
  metadata.free(freed, 0);
  cluster.client().connect(DriveIndex{2}, nullptr);
  cluster.set_state(2, volume::DriveState::out);
  start();
  EXPECT_TRUE(eventually([&] { return metadata.freed() == 0; }));
  EXPECT_EQ(records(freed.id), 1U) << "for the sweep that follows its return";
}

TEST_F(Reclaiming, TellsADriveThatCameInWhileItsExtentsWereDropped) {
  const auto freed = put(extent_id(1, 1), 100'000);
  metadata.free(freed, 0);
  cluster.client().connect(DriveIndex{2}, nullptr);
  cluster.set_state(2, volume::DriveState::out);
  metadata.before_drop = [this] {
    cluster.client().connect(DriveIndex{2}, cluster.shared_drive(2));
    cluster.set_state(2, volume::DriveState::in);
  };
  start();
  EXPECT_TRUE(eventually([&] { return records(freed.id) == 0; }));
  EXPECT_TRUE(eventually([&] { return metadata.freed() == 0; }));
}

TEST_F(Reclaiming, ForgetsNoEntryBeforeADriveThatCameInMeanwhileIsWithoutTheExtent) {
  const auto freed = put(extent_id(1, 1), 100'000);
  metadata.free(freed, 0);
  cluster.client().connect(DriveIndex{2}, nullptr);
  cluster.set_state(2, volume::DriveState::out);
  std::atomic<bool> came_in = false;
  metadata.before_drop = [&] {
    cluster.set_state(2, volume::DriveState::in);
    came_in = true;
  };
  start();
  EXPECT_TRUE(eventually([&] { return came_in.load(); }));
  // The next process does what this one did not get to.
  run(reclaimer.stop());
  EXPECT_EQ(metadata.freed(), 1U);
  EXPECT_EQ(records(freed.id), 1U);
  Reclaimer next{context(), 30s};
  cluster.client().connect(DriveIndex{2}, cluster.shared_drive(2));
  boost::asio::post(cluster.runtime().io(0), [&] { next.start(); });
  EXPECT_TRUE(eventually([&] { return metadata.freed() == 0; }));
  EXPECT_EQ(records(freed.id), 0U);
  run(next.stop());
}

TEST_F(Reclaiming, WorksThroughMoreThanOneBatch) {
  const auto one = put(extent_id(1, 1), 20'000);
  for (int i = 0; i < 2'500; ++i) metadata.free(one, 0);
  start();
  EXPECT_TRUE(eventually([&] { return metadata.freed() == 0; }));
}

}  // namespace
}  // namespace firn::objects
