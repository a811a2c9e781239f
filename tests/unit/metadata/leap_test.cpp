#include <gtest/gtest.h>

#include "apply/leap.h"
#include "machine.h"

/// Two states with one past. One goes on and is lost; the other leaps.
namespace firn::metadata {
namespace {

class Leap : public testing::Test {
 protected:
  Leap() {
    bucket_ = survivor_.make_bucket("bucket");
    EXPECT_TRUE(survivor_.apply(PutClusterMap{six_drives(1, 1)}));
    lease_ = register_gateway(survivor_, 1);
    EXPECT_TRUE(survivor_.apply(put_extent(bucket_, "kept", {lease_, 1}, 1'000)));
    lost_ = survivor_;
  }

  static LeaseId register_gateway(Machine& machine, std::uint8_t number) {
    const auto lease = machine.apply_for<LeaseId>(RegisterGateway{gateway(number)});
    EXPECT_TRUE(lease);
    return lease ? *lease : LeaseId{};
  }
  void leap(UnixMs now = 1'700'000'001'000) {
    const Result<Outcome> outcome = survivor_.leap(now);
    ASSERT_TRUE(outcome) << outcome.error().detail;
    survivor_.shard_epoch = survivor_.progress().shard_epoch;
  }
  static std::vector<bool> needed(const Machine& machine, std::vector<ExtentId> extents) {
    return query::needed(machine.state, extents).value();
  }
  static SetRecord set_of(const Machine& machine) { return query::cluster_map(machine.state)->sets.at(0); }

  Machine survivor_, lost_;
  BucketId bucket_;
  LeaseId lease_;
};

TEST_F(Leap, GivesOutNothingThatTheLostPastGaveOut) {
  const LeaseId lost_lease = register_gateway(lost_, 2);
  const BucketId lost_bucket = lost_.make_bucket("lost");
  ASSERT_TRUE(lost_.apply(PutClusterMap{six_drives(2, 2)}));
  const auto lost_put = lost_.apply_for<Committed>(put_extent(bucket_, "lost", {lost_lease, 1}, 5'000));
  ASSERT_TRUE(lost_put);

  leap();
  const MapRecord map = query::cluster_map(survivor_.state).value();
  EXPECT_GT(map.version, 2u);
  EXPECT_GT(map.sets.at(0).epoch.value, 2u);
  EXPECT_GT(survivor_.make_bucket("new").value, lost_bucket.value);
  const LeaseId lease = register_gateway(survivor_, 2);
  EXPECT_GT(lease.value, lost_lease.value);
  auto put = put_extent(bucket_, "new", {lease, 1}, 1'000);
  put.body = extent_body({lease, 1}, 1'000, map.sets.at(0).epoch.value);
  const auto put_now = survivor_.apply_for<Committed>(put);
  ASSERT_TRUE(put_now) << put_now.error().detail;
  EXPECT_GT(put_now->order, lost_put->order);
  EXPECT_EQ(survivor_.problem(), "");
}

TEST_F(Leap, MakesOrphansOfWhatTheLostPastWroteAndOfNothingElse) {
  const LeaseId lost_lease = register_gateway(lost_, 2);
  const std::vector<ExtentId> written{{lost_lease, 1}, {lease_, 2}, {lease_, 1}};
  EXPECT_EQ(needed(survivor_, written), (std::vector<bool>{true, true, true}));  // Nobody knows: they stay.
  leap();
  EXPECT_EQ(needed(survivor_, written), (std::vector<bool>{false, false, true}));
  // Nor does a new one come to be meant by their names.
  const LeaseId lease = register_gateway(survivor_, 2);
  EXPECT_NE(lease, lost_lease);
  EXPECT_NE(lease, lease_);
  EXPECT_EQ(needed(survivor_, written), (std::vector<bool>{false, false, true}));
}

TEST_F(Leap, RefusesWhoeverWritesUnderWhatTheLostPastGaveOut) {
  const LeaseId lost_lease = register_gateway(lost_, 2);
  leap();
  EXPECT_EQ(survivor_.apply(put_extent(bucket_, "a", {lost_lease, 7}, 1'000)).code(), Errc::stale_lease);
  EXPECT_EQ(survivor_.apply(put_extent(bucket_, "b", {lease_, 7}, 1'000)).code(), Errc::stale_lease);
  EXPECT_EQ(survivor_.apply(RotateLease{gateway(1), LeaseId{}}).code(), Errc::stale_lease);
  survivor_.shard_epoch = lost_.shard_epoch;
  EXPECT_EQ(survivor_.apply(CreateBucket{"late", ""}).code(), Errc::stale_epoch);
}

TEST_F(Leap, FreesUnderOtherNumbersThanTheLostPast) {
  ASSERT_TRUE(lost_.apply(DeleteObjects{bucket_, {{.key = "kept"}}}));
  const std::uint64_t lost_number = query::list_freed(lost_.state, 1)->at(0).sequence;
  leap();
  ASSERT_TRUE(survivor_.apply(DeleteObjects{bucket_, {{.key = "kept"}}}));
  const auto freed = query::list_freed(survivor_.state, 1).value();
  ASSERT_EQ(freed.size(), 1u);
  EXPECT_GT(freed[0].sequence, lost_number);
  ASSERT_TRUE(survivor_.apply(DropFreed{.sequences = {freed[0].sequence}}));
  EXPECT_EQ(survivor_.problem(), "");
}

TEST_F(Leap, LeadsElsewhereWhenOneStateLeapsAtTwoTimes) {
  lost_ = survivor_;
  leap(1'700'000'001'000);
  ASSERT_TRUE(lost_.leap(1'700'000'002'000));
  lost_.shard_epoch = lost_.progress().shard_epoch;
  EXPECT_GT(register_gateway(lost_, 1).value, register_gateway(survivor_, 1).value + 1'000);
  EXPECT_GT(set_of(lost_).epoch, set_of(survivor_).epoch);
  EXPECT_GT(query::cluster_map(lost_.state)->version, query::cluster_map(survivor_.state)->version);
}

TEST_F(Leap, TellsOfTheMapItChangesAndDecidesByItAtOnce) {
  const Result<Outcome> outcome = survivor_.leap(1'700'000'001'000);
  ASSERT_TRUE(outcome && outcome->map);
  EXPECT_EQ(outcome->map->version, query::cluster_map(survivor_.state)->version);
  survivor_.shard_epoch = survivor_.progress().shard_epoch;
  const LeaseId lease = register_gateway(survivor_, 1);
  auto put = put_extent(bucket_, "new", {lease, 1}, 1'000);
  put.body.extents[0].epoch = SetEpoch{outcome->map->sets.at(0).epoch.value};
  EXPECT_TRUE(survivor_.apply(put));
  put.key = "newer than any";
  put.body = extent_body({lease, 2}, 1'000, outcome->map->sets.at(0).epoch.value + 1);
  EXPECT_EQ(survivor_.apply(put).code(), Errc::stale_epoch);
}

TEST_F(Leap, StopsApplyWhenItsEntryMakesNoSense) {
  Applier applier = Applier::open(survivor_.state).value();
  Transaction changes(survivor_.state);
  const LogEntry entry{.kind = LogEntry::Kind::leap, .command = "soon"};
  EXPECT_EQ(applier.apply(applier.progress().applied_index + 1, entry, changes).code(), Errc::corrupt);
}

}  // namespace
}  // namespace firn::metadata
