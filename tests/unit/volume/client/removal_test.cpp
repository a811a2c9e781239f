#include <gtest/gtest.h>

#include "fake_cluster.h"

namespace firn::volume::testing {
namespace {

TEST(Removal, ReachesEveryDriveOfTheSetForGood) {
  FakeCluster cluster;
  const auto kept = cluster.put(extent_id(1), some_bytes(50'000, 1));
  ASSERT_TRUE(kept);
  ASSERT_TRUE(cluster.put(extent_id(2), some_bytes(50'000, 2)));
  ASSERT_TRUE(cluster.put(extent_id(3), some_bytes(50'000, 3)));
  ASSERT_TRUE(cluster.run(cluster.client().remove(kSet, {extent_id(2), extent_id(3)})));
  for (std::size_t i = 0; i < cluster.drives(); ++i) {
    EXPECT_EQ(cluster.drive(i).keys().size(), 1U);
    EXPECT_EQ(cluster.drive(i).index_syncs(), 1U);
  }
  EXPECT_TRUE(cluster.get(*kept));
}

TEST(Removal, IsIdempotent) {
  FakeCluster cluster;
  EXPECT_TRUE(cluster.run(cluster.client().remove(kSet, {extent_id(8)})));
}

TEST(Removal, SaysWhenADriveCouldNotBeTold) {
  FakeCluster cluster;
  ASSERT_TRUE(cluster.put(extent_id(1), some_bytes(50'000, 4)));
  cluster.client().connect(DriveIndex{5}, nullptr);
  EXPECT_EQ(cluster.run(cluster.client().remove(kSet, {extent_id(1)})).code(), Errc::drive_out);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_TRUE(cluster.drive(i).keys().empty()) << "the others are told";
  EXPECT_EQ(cluster.drive(5).keys().size(), 1U);
}

TEST(Removal, DoesNotWaitForADriveThatIsOut) {
  FakeCluster cluster;
  ASSERT_TRUE(cluster.put(extent_id(1), some_bytes(50'000, 5)));
  cluster.client().connect(DriveIndex{5}, nullptr);
  cluster.set_state(5, DriveState::out);
  EXPECT_TRUE(cluster.run(cluster.client().remove(kSet, {extent_id(1)})));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_TRUE(cluster.drive(i).keys().empty());
}

}  // namespace
}  // namespace firn::volume::testing
