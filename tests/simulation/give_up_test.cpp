#include <gtest/gtest.h>

#include <algorithm>

#include "machine.h"
#include "map_change.h"

namespace firn::simulation {
namespace {

using metadata::Machine;
using server::MapChange;

metadata::MapRecord four_nodes_of_two_drives() {
  std::vector<metadata::DriveRecord> drives;
  for (std::uint16_t i = 0; i < 8; ++i) {
    Uuid uuid;
    uuid.bytes.fill(static_cast<std::uint8_t>(i + 1));
    drives.push_back({.index = DriveIndex{i}, .uuid = uuid, .domain = server::domain_of(NodeId{i / 2U + 1})});
  }
  return server::first_map(Uuid{}, std::move(drives), {4, 2});
}

struct GivingUp : ::testing::Test {
  Machine machine;
  metadata::MapRecord map = four_nodes_of_two_drives();
  BucketId bucket = machine.make_bucket("bucket");
  LeaseId lease;
  DriveIndex gone, to;

  void SetUp() override {
    ASSERT_TRUE(machine.apply(metadata::PutClusterMap{map}));
    lease = machine.apply_for<LeaseId>(metadata::RegisterGateway{Uuid{}}).value();
    const auto& members = map.sets.front().members;
    gone = members[0];
    while (std::ranges::find(members, to) != members.end()) ++to.value;
  }
  template <class Changes>
  void change(Changes changes) {
    MapChange change(map);
    changes(change);
    const auto after = change.finish();
    ASSERT_TRUE(after);
    map = *after;
    ASSERT_TRUE(machine.apply(metadata::PutClusterMap{map}));
  }
  void lose_the_drive() {
    change([this](MapChange& change) {
      change.put_out(gone);
      change.set_leaving(gone, true);
    });
  }
  /// Of what was written with all its shards before the drive was lost.
  void commit() { ASSERT_TRUE(machine.apply(metadata::put_extent(bucket, "key", {lease, 1}, 100'000))); }
  std::uint64_t below_full_redundancy() const {
    return metadata::query::count_below_full_redundancy(machine.state).value();
  }
};

TEST_F(GivingUp, CountsWhatIsCommittedWhileTheShardsThatAreOwedAreListed) {
  lose_the_drive();
  change([this](MapChange& change) { change.begin_give_up(SetId{1}, 0, to); });
  // The list is made here. This one comes too late for it.
  commit();
  EXPECT_EQ(below_full_redundancy(), 1U);
  change([this](MapChange& change) { change.end_give_up(SetId{1}, 0, to); });
  EXPECT_EQ(below_full_redundancy(), 1U);
  const auto degraded = metadata::query::list_degraded(machine.state, {}, 10).value();
  ASSERT_EQ(degraded.size(), 1U);
  EXPECT_EQ(degraded.front().missing, 1U);
}

TEST_F(GivingUp, CountsAllOfTheSetUntilTheListIsMade) {
  commit();
  lose_the_drive();
  change([this](MapChange& change) { change.begin_give_up(SetId{1}, 0, to); });
  EXPECT_EQ(below_full_redundancy(), 1U);
}

TEST_F(GivingUp, IsBegunOnceAndEndedWhereItWasBegun) {
  lose_the_drive();
  change([this](MapChange& change) { change.begin_give_up(SetId{1}, 0, to); });
  MapChange again(map);
  again.begin_give_up(SetId{1}, 0, to);
  EXPECT_FALSE(again.finish());
  MapChange elsewhere(map);
  elsewhere.end_give_up(SetId{1}, 1, map.sets.front().members[1]);
  EXPECT_FALSE(elsewhere.finish());
}

}  // namespace
}  // namespace firn::simulation
