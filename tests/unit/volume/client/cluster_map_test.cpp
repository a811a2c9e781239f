#include "firn/volume/cluster_map.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace firn::volume {
namespace {

constexpr SetId kSet{3};

/// One set of 4+2 whose shard i lies on drive i, in the domain named.
ClusterMap map_over(std::initializer_list<std::string> domains) {
  ClusterMap map;
  StripeSet set{.id = kSet, .shape = {4, 2}};
  for (const std::string& domain : domains) {
    const DriveIndex drive{static_cast<std::uint16_t>(map.drives.size())};
    map.drives[drive] = {.index = drive, .domain = domain};
    set.members.push_back(drive);
  }
  map.sets[kSet] = set;
  return map;
}

void fence(ClusterMap& map, std::uint16_t drive) { map.drives.at(DriveIndex{drive}).state = DriveState::out; }

TEST(ClusterMap, FindsSetsByIdAlone) {
  const ClusterMap map = map_over({"a", "b", "c", "d", "e", "f"});
  ASSERT_NE(map.find_set(kSet), nullptr);
  EXPECT_EQ(map.find_set(SetId{4}), nullptr);
}

TEST(ClusterMap, CountsUnknownDrivesAsOut) {
  ClusterMap map = map_over({"a", "b", "c", "d", "e", "f"});
  map.drives.erase(DriveIndex{2});
  fence(map, 5);
  EXPECT_FALSE(map.is_in(DriveIndex{2}));
  EXPECT_FALSE(map.is_in(DriveIndex{5}));
  EXPECT_TRUE(map.is_in(DriveIndex{0}));
  EXPECT_EQ(map.shards_out(*map.find_set(kSet)), 0b100100U);
}

TEST(WriteQuorum, NeedsOneMoreThanKWhenEveryDriveIsItsOwnDomain) {
  ClusterMap map = map_over({"a", "b", "c", "d", "e", "f"});
  WriteQuorum quorum = write_quorum(map, *map.find_set(kSet));
  EXPECT_EQ(quorum.available, 0b111111U);
  EXPECT_EQ(quorum.required, 5U);
  EXPECT_TRUE(quorum.reachable());

  fence(map, 1);
  quorum = write_quorum(map, *map.find_set(kSet));
  EXPECT_EQ(quorum.available, 0b111101U);
  EXPECT_TRUE(quorum.reachable());

  fence(map, 4);
  EXPECT_FALSE(write_quorum(map, *map.find_set(kSet)).reachable());
}

TEST(WriteQuorum, NeedsEveryShardWhenADomainHoldsTwo) {
  ClusterMap map = map_over({"a", "a", "b", "b", "c", "d"});
  WriteQuorum quorum = write_quorum(map, *map.find_set(kSet));
  EXPECT_EQ(quorum.required, 6U);
  EXPECT_TRUE(quorum.reachable());

  fence(map, 4);  // Two domains still hold two shards each.
  EXPECT_FALSE(write_quorum(map, *map.find_set(kSet)).reachable());
}

TEST(WriteQuorum, CountsOnlyShardsThatAreStillIn) {
  ClusterMap map = map_over({"a", "a", "b", "c", "d", "e"});
  fence(map, 0);
  const WriteQuorum quorum = write_quorum(map, *map.find_set(kSet));
  EXPECT_EQ(quorum.required, 5U);
  EXPECT_TRUE(quorum.reachable());
}

TEST(WriteQuorum, CantBeReachedWhenADomainHoldsMoreThanParityCovers) {
  const ClusterMap map = map_over({"a", "a", "a", "b", "c", "d"});
  EXPECT_FALSE(write_quorum(map, *map.find_set(kSet)).reachable());
}

}  // namespace
}  // namespace firn::volume
