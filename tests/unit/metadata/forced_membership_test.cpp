#include <gtest/gtest.h>

#include "machine.h"
#include "test_cluster.h"

/// One of three voters is left, and it had been cut off: the others went on, and were lost.
namespace firn::metadata {
namespace {

constexpr std::uint32_t kSurvivor = 3;

class ForcedMembership : public testing::Test {
 protected:
  ForcedMembership() : cluster_(3) {
    cluster_.options.local.flush_at_stop = false;  // What is applied is lost with the process: the log has it.
    cluster_.begin(3);
    kept_bucket_ = make_bucket(1, "kept");
    EXPECT_TRUE(cluster_.run(cluster_.client(1).put_cluster_map(six_drives(1, 1))));
    kept_lease_ = register_gateway(1, 1);
    EXPECT_TRUE(cluster_.run(cluster_.client(1).put_object(put_extent(kept_bucket_, "kept", {kept_lease_, 1}, 1'000))));
    const auto seen = cluster_.run(cluster_.client(kSurvivor).find_object(kept_bucket_, "kept", false));
    EXPECT_TRUE(seen) << "the survivor has it";
    cluster_.network().cut_off(NodeId{kSurvivor}, 3);
  }

  BucketId make_bucket(std::uint32_t node, const std::string& name) {
    const auto made = cluster_.run(cluster_.client(node).create_bucket(name, ""));
    EXPECT_TRUE(made) << made.error().detail;
    return made ? made->id : BucketId{};
  }
  LeaseId register_gateway(std::uint32_t node, std::uint8_t number) {
    const auto lease = cluster_.run(cluster_.client(node).register_gateway(gateway(number)));
    EXPECT_TRUE(lease) << lease.error().detail;
    return lease ? *lease : LeaseId{};
  }
  MapRecord map_of(std::uint32_t node) { return cluster_.run(cluster_.client(node).cluster_map()).value(); }

  void lose_the_others_and_force() {
    cluster_.wipe(1);
    cluster_.wipe(2);
    cluster_.stop(kSurvivor);
    cluster_.network().heal();
    force();
  }
  void force() {
    Node::Options options = cluster_.options.local;
    for (std::uint16_t i = 0; i < 2; ++i) options.drives.push_back({DriveIndex{i}, cluster_.drive(kSurvivor, i)});
    const auto forced = Node::force_membership(options, true);
    ASSERT_TRUE(forced) << forced.error().detail;
  }
  void start() {
    const Result<> started = cluster_.start(kSurvivor);
    ASSERT_TRUE(started) << started.error().detail;
  }

  TestCluster cluster_;
  BucketId kept_bucket_;
  LeaseId kept_lease_;
};

TEST_F(ForcedMembership, GivesOutNothingThatTheLostMajorityGaveOut) {
  const BucketId lost_bucket = make_bucket(1, "lost");
  const LeaseId lost_lease = register_gateway(2, 2);
  ASSERT_TRUE(cluster_.run(cluster_.client(1).put_cluster_map(six_drives(2, 2))));
  const auto lost =
      cluster_.run(cluster_.client(2).put_object(put_extent(kept_bucket_, "lost", {lost_lease, 1}, 5'000)));
  ASSERT_TRUE(lost) << lost.error().detail;
  lose_the_others_and_force();
  start();

  // The first thing asked of it already is beyond what was lost.
  EXPECT_GT(register_gateway(kSurvivor, 2).value, lost_lease.value);
  EXPECT_GT(make_bucket(kSurvivor, "new").value, lost_bucket.value);
  EXPECT_GT(map_of(kSurvivor).version, 2u);
  EXPECT_GT(map_of(kSurvivor).sets.at(0).epoch.value, 2u);
  const auto put = cluster_.run(cluster_.client(kSurvivor).put_object(put_inline(kept_bucket_, "new", "x")));
  ASSERT_TRUE(put) << put.error().detail;
  EXPECT_GT(put->order, lost->order);
  // What it writes on drives that have records of then can't be taken for those, and these are orphans.
  const std::vector<ExtentId> written{{lost_lease, 1}, {kept_lease_, 2}, {kept_lease_, 1}};
  const auto needed = cluster_.run(cluster_.client(kSurvivor).needed(written));
  ASSERT_TRUE(needed) << needed.error().detail;
  EXPECT_EQ(*needed, (std::vector<bool>{false, false, true}));
  EXPECT_EQ(cluster_.run(cluster_.node(kSurvivor).verify())->problems, 0u);
}

TEST_F(ForcedMembership, LeapsOnceHoweverOftenTheNodeStartsBeforeItIsOnDrives) {
  lose_the_others_and_force();
  start();
  const LeaseId first = register_gateway(kSurvivor, 2);
  const MapRecord map = map_of(kSurvivor);
  EXPECT_GT(map.version, 1'000u);
  for (int i = 0; i < 3; ++i) {
    cluster_.stop(kSurvivor);
    start();
    EXPECT_EQ(map_of(kSurvivor).version, map.version);
    EXPECT_EQ(register_gateway(kSurvivor, 2).value, first.value + 1 + static_cast<std::uint64_t>(i));
  }
}

TEST_F(ForcedMembership, CanBeForcedAgain) {
  lose_the_others_and_force();
  force();
  start();
  const LeaseId first = register_gateway(kSurvivor, 2);
  cluster_.stop(kSurvivor);
  force();
  start();
  EXPECT_GT(register_gateway(kSurvivor, 2).value, first.value + 1'000);
  EXPECT_TRUE(cluster_.run(cluster_.client(kSurvivor).find_object(kept_bucket_, "kept", false)));
}

TEST_F(ForcedMembership, LetsOthersInWhoLearnOfTheLeap) {
  lose_the_others_and_force();
  start();
  const LeaseId before = register_gateway(kSurvivor, 2);
  for (std::uint32_t node = 1; node <= 2; ++node) {
    const Result<> joined = cluster_.join(node);
    ASSERT_TRUE(joined) << joined.error().detail;
    EXPECT_EQ(register_gateway(node, 2).value, before.value + node) << "a node's first command";
  }
  ASSERT_TRUE(cluster_.wait_until([&] { return cluster_.voters() == 3; }));
  cluster_.stop(kSurvivor);
  EXPECT_EQ(register_gateway(1, 2).value, before.value + 3);
  EXPECT_TRUE(cluster_.run(cluster_.client(2).find_object(kept_bucket_, "kept", false)));
}

}  // namespace
}  // namespace firn::metadata
