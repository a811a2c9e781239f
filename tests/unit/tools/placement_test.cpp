#include "placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace firn::server {
namespace {

constexpr erasure::Shape kShape{4, 2};
using Sets = std::vector<std::vector<DriveIndex>>;

/// Nodes with so many drives each, numbered one after another.
std::vector<PlacementDrive> cluster(const std::vector<unsigned>& drives_of_nodes) {
  std::vector<PlacementDrive> drives;
  for (std::size_t node = 0; node < drives_of_nodes.size(); ++node) {
    for (unsigned i = 0; i < drives_of_nodes[node]; ++i) {
      drives.push_back({DriveIndex{static_cast<std::uint16_t>(drives.size())}, "node-" + std::to_string(node + 1)});
    }
  }
  return drives;
}

/// How many shards of a set each domain has, the most first.
std::vector<int> spread(const std::vector<PlacementDrive>& drives, const std::vector<DriveIndex>& set) {
  std::map<std::string, int> counts;
  for (const auto member : set) ++counts[drives[member.value].domain];
  std::vector<int> sorted;
  for (const auto& [domain, count] : counts) sorted.push_back(count);
  std::sort(sorted.rbegin(), sorted.rend());
  return sorted;
}

std::map<std::uint16_t, int> load(const Sets& sets, std::size_t first_shards) {
  std::map<std::uint16_t, int> load;
  for (const auto& set : sets) {
    for (std::size_t shard = 0; shard < first_shards; ++shard) ++load[set[shard].value];
  }
  return load;
}

int imbalance(const std::map<std::uint16_t, int>& load) {
  const auto [least, most] =
      std::minmax_element(load.begin(), load.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most->second - least->second;
}

TEST(Placement, PutsTwoTwoOneOneOnFourNodes) {
  const auto drives = cluster({4, 4, 4, 4});
  for (const auto& set : place_sets(drives, kShape, 64, 1)) {
    EXPECT_EQ(spread(drives, set), (std::vector<int>{2, 2, 1, 1}));
    EXPECT_EQ(std::set<DriveIndex>(set.begin(), set.end()).size(), 6u);
  }
}

TEST(Placement, PutsOneShardOnEachOfSixNodes) {
  const auto drives = cluster({2, 2, 2, 2, 2, 2});
  for (const auto& set : place_sets(drives, kShape, 64, 1)) EXPECT_EQ(spread(drives, set).size(), 6u);
}

TEST(Placement, PutsTwoOnEachOfThreeNodesEvenOnOneDriveIfThatIsAllTheNodeHas) {
  const auto drives = cluster({4, 4, 1});
  for (const auto& set : place_sets(drives, kShape, 64, 1)) EXPECT_EQ(spread(drives, set), (std::vector<int>{2, 2, 2}));
}

TEST(Placement, NeverPutsMoreThanParityOnOneNodeWhenThereAreEnoughOfThem) {
  for (unsigned nodes = 1; nodes <= 12; ++nodes) {
    for (const erasure::Shape shape : {erasure::Shape{4, 2}, {2, 1}, {8, 3}, {8, 4}, {1, 1}}) {
      for (unsigned drives_each = 1; drives_each <= 5; ++drives_each) {
        const auto drives = cluster(std::vector<unsigned>(nodes, drives_each));
        for (const auto& set : place_sets(drives, shape, 64, nodes)) {
          const int most = spread(drives, set).front();
          EXPECT_EQ(most, static_cast<int>((shape.total() + nodes - 1) / nodes));
          EXPECT_EQ(most <= shape.parity, domains_suffice(nodes, shape));
        }
      }
    }
  }
}

TEST(Placement, LoadsDrivesEvenly) {
  for (const auto& nodes : {std::vector<unsigned>{4, 4, 4, 4}, {2, 2, 2, 2, 2, 2}, {3, 3, 3}, {1, 1, 1, 1, 1, 1, 1}}) {
    const auto sets = place_sets(cluster(nodes), kShape, 64, 7);
    EXPECT_LE(imbalance(load(sets, 6)), 1) << nodes.size();
    EXPECT_LE(imbalance(load(sets, 4)), 2) << nodes.size();
  }
}

TEST(Placement, GivesANodeWithMoreDrivesMoreWhereTheSpreadLeavesAChoice) {
  const auto drives = cluster({8, 2, 2, 2, 2, 2, 2, 2});
  std::map<std::string, int> of_node;
  for (const auto& set : place_sets(drives, kShape, 220, 1)) {
    for (const auto member : set) ++of_node[drives[member.value].domain];
  }
  EXPECT_EQ(of_node["node-1"], 220);  // One shard of every set: all that the spread allows.
  EXPECT_NEAR(of_node["node-5"], 220 * 5 / 7, 2);
}

TEST(Placement, MakesEveryDriveThePeerOfEveryOtherNodesDrives) {
  const auto drives = cluster({4, 4, 4, 4});
  std::map<std::uint16_t, std::set<std::uint16_t>> peers;
  for (const auto& set : place_sets(drives, kShape, 64, 3)) {
    for (const auto a : set) {
      for (const auto b : set) peers[a.value].insert(b.value);
    }
  }
  // Itself and the others but two at most: what one drive lost is read from nearly all.
  for (const auto& [drive, others] : peers) EXPECT_GE(others.size(), 14u) << drive;
}

TEST(Placement, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto drives = cluster({4, 4, 4, 4});
  EXPECT_EQ(place_sets(drives, kShape, 64, 1), place_sets(drives, kShape, 64, 1));
  EXPECT_NE(place_sets(drives, kShape, 64, 1), place_sets(drives, kShape, 64, 2));
}

TEST(Placement, NeedsThreeDomainsForTwoOfSix) {
  EXPECT_FALSE(domains_suffice(0, kShape));
  EXPECT_FALSE(domains_suffice(2, kShape));
  EXPECT_TRUE(domains_suffice(3, kShape));
  EXPECT_TRUE(domains_suffice(2, erasure::Shape{1, 1}));
}

}  // namespace
}  // namespace firn::server
