#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "map_change.h"

namespace firn::server {
namespace {

constexpr erasure::Shape kShape{4, 2};

metadata::MapRecord fresh(std::uint32_t nodes, std::uint16_t drives_each) {
  std::vector<metadata::DriveRecord> drives;
  for (std::uint32_t node = 1; node <= nodes; ++node) {
    for (std::uint16_t i = 0; i < drives_each; ++i) {
      Uuid uuid;
      uuid.bytes.fill(static_cast<std::uint8_t>(drives.size() + 1));
      drives.push_back({DriveIndex{static_cast<std::uint16_t>(drives.size())}, uuid, domain_of(NodeId{node}), false});
    }
  }
  return first_map(Uuid{}, std::move(drives), kShape);
}

metadata::MapRecord changed(metadata::MapRecord map, std::uint32_t node, bool out) {
  MapChange change(map);
  for (const auto& drive : map.drives) {
    if (node_of(drive.domain) != NodeId{node}) continue;
    out ? change.put_out(drive.index) : change.put_in(drive.index);
  }
  return *change.finish();
}
metadata::MapRecord without_node(metadata::MapRecord map, std::uint32_t node) {
  return changed(std::move(map), node, true);
}
metadata::MapRecord with_node(metadata::MapRecord map, std::uint32_t node) {
  return changed(std::move(map), node, false);
}

/// The most shards of any open set on one node, and whether every shard of it is on a drive that is in.
struct Open {
  std::size_t sets = 0;
  int most_on_one_node = 0;
  bool whole = true;
  bool reachable = true;
};
Open open_sets(const metadata::MapRecord& record) {
  Open open;
  const auto map = to_cluster_map(record);
  for (const auto& [id, set] : map.sets) {
    if (!set.open) continue;
    ++open.sets;
    std::map<std::string, int> on_node;
    for (const auto member : set.members) {
      open.most_on_one_node = std::max(open.most_on_one_node, ++on_node[map.drives.at(member).domain]);
      open.whole &= map.is_in(member);
    }
    open.reachable &= write_quorum(map, set).reachable();
  }
  return open;
}

TEST(FirstMapOfACluster, HasManySetsThatBearTheLossOfAnyNode) {
  const auto map = fresh(4, 4);
  EXPECT_EQ(map.version, 1u);
  EXPECT_EQ(map.sets.size(), 64u);
  const auto open = open_sets(map);
  EXPECT_EQ(open.sets, 64u);
  EXPECT_EQ(open.most_on_one_node, 2);
  EXPECT_TRUE(open.reachable);
}

TEST(FirstMapOfACluster, NamesItsNodes) {
  EXPECT_EQ(domain_of(NodeId{3}), "node-3");
  EXPECT_EQ(node_of("node-12"), NodeId{12});
  EXPECT_EQ(node_of("drive-12"), NodeId{0});
}

TEST(ClusterMapChange, GoesOnOverThreeNodesWhenAnyOfFourIsAway) {
  for (std::uint32_t node = 1; node <= 4; ++node) {
    const auto map = without_node(fresh(4, 4), node);
    const auto open = open_sets(map);
    EXPECT_GE(open.sets, 48u);
    EXPECT_EQ(open.most_on_one_node, 2);
    EXPECT_TRUE(open.whole && open.reachable);
  }
}

TEST(ClusterMapChange, RefusesWritesWhenTheLossOfOneMoreNodeWouldLoseBytes) {
  EXPECT_EQ(open_sets(without_node(without_node(fresh(4, 4), 1), 2)).sets, 0u);
}

TEST(ClusterMapChange, GoesBackToSetsOverAllNodesWhenTheNodeReturns) {
  const auto before = fresh(4, 4);
  const auto after = with_node(without_node(before, 2), 2);
  for (const auto& set : after.sets) EXPECT_EQ(set.open, set.id.value <= before.sets.size()) << set.id.value;
}

TEST(ClusterMapChange, FormsSetsOnceForANodeThatComesAndGoes) {
  auto map = without_node(fresh(4, 4), 2);
  const auto sets = map.sets.size();
  for (int i = 0; i < 5; ++i) map = without_node(with_node(std::move(map), 2), 2);
  EXPECT_EQ(map.sets.size(), sets);
}

TEST(ClusterMapChange, UsesSetsOfOneDriveFewerWhenADriveIsOut) {
  MapChange change(fresh(4, 4));
  change.put_out(DriveIndex{5});
  const auto map = *change.finish();
  EXPECT_EQ(map.sets.size(), 64u) << "there are enough without it";
  const auto open = open_sets(map);
  EXPECT_GT(open.sets, 32u);
  EXPECT_TRUE(open.whole);
}

TEST(ClusterMapChange, BearsAnyTwoOfSixNodes) {
  const auto map = without_node(without_node(fresh(6, 2), 1), 4);
  const auto open = open_sets(map);
  EXPECT_GT(open.sets, 0u);
  EXPECT_EQ(open.most_on_one_node, 2);
  EXPECT_TRUE(open.whole && open.reachable);
}

TEST(ClusterMapChange, KeepsWritingToSixNodesWithOneAwayAndOwesItsShard) {
  const auto map = without_node(fresh(6, 2), 3);
  EXPECT_EQ(map.sets.size(), 64u);
  const auto open = open_sets(map);
  EXPECT_TRUE(open.reachable);
  EXPECT_FALSE(open.whole) << "five of six shards are safe, and any further node may go";
}

metadata::MapRecord with_closing(const metadata::MapRecord& map, std::uint32_t node, bool closing) {
  MapChange change(map);
  for (const auto drive : drives_of_node(map, NodeId{node})) change.set_closing(drive, closing);
  return change.finish().value_or(map);
}

bool takes_extents(const metadata::MapRecord& map, std::uint32_t node) {
  const auto drives = drives_of_node(map, NodeId{node});
  return std::ranges::any_of(map.sets, [&](const auto& set) {
    return set.open && std::ranges::find_first_of(set.members, drives) != set.members.end();
  });
}

TEST(ClusterMapChange, ClosesSetsOfANodeThatIsAboutToStop) {
  const auto map = fresh(4, 2);
  const auto closed = with_closing(map, 3, true);
  EXPECT_EQ(closed.version, map.version + 1);
  EXPECT_FALSE(takes_extents(closed, 3));
  EXPECT_GT(open_sets(closed).sets, 0U);
  EXPECT_TRUE(open_sets(closed).whole);
  EXPECT_EQ(open_sets(closed).most_on_one_node, 2);
  for (std::size_t i = 0; i < map.sets.size(); ++i) {
    EXPECT_EQ(closed.sets[i].epoch, map.sets[i].epoch) << "what is being written goes on";
  }
  EXPECT_EQ(with_closing(closed, 3, true).version, closed.version) << "all is so already";
  EXPECT_TRUE(takes_extents(with_closing(closed, 3, false), 3));
}

TEST(ClusterMapChange, KeepsSetsClosedThroughOtherChanges) {
  auto map = with_closing(fresh(6, 2), 3, true);
  MapChange change(map);
  change.put_out(DriveIndex{0});
  map = *change.finish();
  EXPECT_FALSE(takes_extents(map, 3));
  EXPECT_TRUE(open_sets(map).reachable);
}

TEST(ClusterMapChange, ForgetsThatADriveClosesOnceItIsOut) {
  const auto closed = with_closing(fresh(4, 2), 3, true);
  const auto out = without_node(closed, 3);
  EXPECT_FALSE(takes_extents(out, 3));
  EXPECT_TRUE(takes_extents(with_node(out, 3), 3));
  EXPECT_EQ(with_closing(out, 3, true).version, out.version) << "nothing is to be closed";
}

TEST(ClusterMapChange, ClosesNoSetWhereNothingElseCanBeWritten) {
  EXPECT_TRUE(takes_extents(with_closing(fresh(3, 2), 1, true), 1));
}

}  // namespace
}  // namespace firn::server
