#include "growth/growth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "map_change.h"
#include "map_lookup.h"

namespace firn::server {
namespace {

constexpr erasure::Shape kShape{4, 2};
using Map = metadata::MapRecord;

Uuid uuid_of(DriveIndex drive) {
  Uuid uuid;
  uuid.bytes.fill(static_cast<std::uint8_t>(drive.value + 1));
  return uuid;
}

Map cluster_of(std::uint32_t nodes, std::uint16_t drives_each) {
  std::vector<metadata::DriveRecord> drives;
  for (std::uint32_t node = 1; node <= nodes; ++node) {
    for (std::uint16_t i = 0; i < drives_each; ++i) {
      const DriveIndex index{static_cast<std::uint16_t>(drives.size())};
      drives.push_back({.index = index, .uuid = uuid_of(index), .domain = domain_of(NodeId{node})});
    }
  }
  return first_map(Uuid{}, std::move(drives), kShape);
}

template <class Changes>
Map changed(const Map& map, Changes changes) {
  MapChange change(map);
  changes(change);
  return change.finish().value_or(map);
}

Map with_node(const Map& map, std::uint32_t node, std::size_t drives) {
  auto grown = changed(
      map, [&](MapChange& change) { change.add_node({.node = NodeId{node}, .host = "host", .port = 9000}, drives); });
  for (const auto& drive : Map(grown).drives) {
    if (drive.uuid != Uuid{}) continue;
    grown = changed(grown, [&](MapChange& change) { change.replace(drive.index, uuid_of(drive.index)); });
    grown = changed(grown, [&](MapChange& change) { change.put_in(drive.index); });
  }
  return grown;
}

std::size_t most_on_a_node(const Map& map, const metadata::SetRecord& set) {
  std::map<std::string, std::size_t> counts;
  std::size_t most = 0;
  for (const auto member : set.members) {
    most = std::max(most, ++counts[find_drive(map, member)->domain]);
  }
  return most;
}

std::size_t undone(const metadata::SetRecord& set) {
  return static_cast<std::size_t>(std::ranges::count(set.moves, false, &metadata::MoveRecord::done));
}

/// Begins what is to begin; then some of what is under way ends.
Map step(Map map, std::mt19937& random) {
  const auto next = next_growth_step(map);
  map = changed(map, [&](MapChange& change) {
    for (const auto& move : next.begin) change.begin_move(move.set, move.shard, move.to);
    for (const auto& move : next.give_up) change.begin_give_up(move.set, move.shard, move.to);
    for (const auto& move : next.give_up) change.end_give_up(move.set, move.shard, move.to);
    change.add_sets(next.add_sets);
  });
  for (const auto& set : map.sets) {
    EXPECT_LE(undone(set), 1u) << "one shard of a set at a time";
    EXPECT_LE(most_on_a_node(map, set), kShape.parity);
  }
  return changed(map, [&](MapChange& change) {
    for (const auto& set : map.sets) {
      for (const auto& move : set.moves) {
        if (!move.done && random() % 2 == 0) change.finish_move(set.id, move.shard, set.members[move.shard]);
      }
    }
  });
}

bool settled(const Map& map) {
  const auto progress = growth_progress(map);
  const auto next = next_growth_step(map);
  return progress.moving == 0 && progress.waiting == 0 && next.give_up.empty() && next.add_sets == 0;
}

/// Nothing when it does not come to an end.
std::optional<Map> run(Map map, unsigned seed) {
  std::mt19937 random(seed);
  for (int steps = 0; steps < 2'000; ++steps) {
    if (settled(map)) return map;
    map = step(std::move(map), random);
  }
  return std::nullopt;
}

TEST(Growth, AClusterThatIsEvenHasNothingToDo) {
  const auto map = cluster_of(4, 2);
  const auto next = next_growth_step(map);
  EXPECT_TRUE(next.begin.empty() && next.give_up.empty());
  EXPECT_EQ(next.add_sets, 0u);
  EXPECT_TRUE(settled(map));
}

/// A machine by itself, once its drives are a node's.
Map lone_node(std::uint16_t drives) {
  std::vector<Uuid> uuids;
  for (std::uint16_t i = 0; i < drives; ++i) uuids.push_back(uuid_of(DriveIndex{i}));
  auto map = first_map(Uuid{}, uuids, kShape);
  for (auto& drive : map.drives) drive.domain = domain_of(NodeId{1});
  return map;
}

TEST(Growth, ALoneNodeWaitsForOthers) {
  EXPECT_TRUE(settled(lone_node(6)));
  EXPECT_EQ(growth_progress(lone_node(6)).sets_on_a_node, 1u);
  EXPECT_EQ(growth_progress(lone_node(9)).sets_on_a_node, 9u);
}

TEST(Growth, AShardUnderWayIsLostWithTheNodeItComesFrom) {
  auto map = with_node(with_node(lone_node(6), 2, 2), 3, 2);
  map = changed(map, [](MapChange& change) {
    for (std::uint8_t shard = 0; shard < 4; ++shard)
      change.begin_move(SetId{1}, shard, DriveIndex{static_cast<std::uint16_t>(6U + shard)});
  });
  const auto before = growth_progress(map).sets_on_a_node;
  map = changed(map, [](MapChange& change) {
    for (std::uint8_t shard = 0; shard < 4; ++shard)
      change.finish_move(SetId{1}, shard, DriveIndex{static_cast<std::uint16_t>(6U + shard)});
  });
  EXPECT_EQ(before, growth_progress(map).sets_on_a_node + 1);
}

TEST(Growth, TheSetsOfALoneNodeAreSpreadWhenOthersHaveJoined) {
  for (const std::uint16_t drives : {6, 9}) {
    auto map = lone_node(drives);
    for (std::uint32_t node = 2; node <= 4; ++node) map = with_node(map, node, 2);
    for (int steps = 0; steps < 2'000 && !settled(map); ++steps) {
      const auto next = next_growth_step(map);
      map = changed(map, [&](MapChange& change) {
        for (const auto& move : next.begin) change.begin_move(move.set, move.shard, move.to);
        change.add_sets(next.add_sets);
      });
      map = changed(map, [&](MapChange& change) {
        for (const auto& move : next.begin) change.finish_move(move.set, move.shard, move.to);
      });
    }
    ASSERT_TRUE(settled(map));
    EXPECT_EQ(growth_progress(map).sets_on_a_node, 0u);
    EXPECT_GE(map.sets.size(), sets_for(map.drives.size()));
    for (const auto& set : map.sets) EXPECT_LE(most_on_a_node(map, set), kShape.parity);
  }
}

TEST(Growth, WaitsWhileANodeIsAboutToStop) {
  const auto grown = with_node(cluster_of(4, 2), 5, 2);
  EXPECT_FALSE(next_growth_step(grown).begin.empty());
  const auto closing = changed(grown, [](MapChange& change) { change.set_closing(DriveIndex{0}, true); });
  EXPECT_TRUE(next_growth_step(closing).begin.empty());
}

TEST(Growth, FourNodesThatBecomeSixEndWithOneShardOfASetOnEach) {
  auto map = with_node(with_node(cluster_of(4, 2), 5, 2), 6, 2);
  EXPECT_EQ(map.drives.back().index, DriveIndex{11});
  EXPECT_GE(growth_progress(map).waiting, 128u);
  const auto grown = run(map, 1);
  ASSERT_TRUE(grown);
  for (const auto& set : grown->sets) {
    EXPECT_EQ(most_on_a_node(*grown, set), 1u);
    EXPECT_TRUE(set.open);
  }
  for (const auto& drive : grown->drives) EXPECT_NEAR(static_cast<double>(places_on(*grown, drive.index)), 32, 1);
}

TEST(Growth, AClusterThatHasManyDrivesGetsMoreSetsOnceTheOldOnesAreEven) {
  auto map = cluster_of(4, 2);
  for (std::uint32_t node = 5; node <= 12; ++node) map = with_node(map, node, 2);
  const auto grown = run(map, 2);
  ASSERT_TRUE(grown);
  EXPECT_EQ(grown->sets.size(), sets_for(24));
}

TEST(Growth, ADrainedNodeIsEmptyAndMayBeRetiredOnlyThen) {
  const auto map = changed(cluster_of(5, 2), [](MapChange& change) { change.set_node_leaving(NodeId{2}, true); });
  const auto early = changed(map, [](MapChange& change) { change.retire_node(NodeId{2}); });
  EXPECT_EQ(early.drives.size(), 10u);
  const auto drained = run(map, 3);
  ASSERT_TRUE(drained);
  const auto retired = changed(*drained, [](MapChange& change) { change.retire_node(NodeId{2}); });
  EXPECT_EQ(retired.drives.size(), 8u);
  EXPECT_TRUE(retired.nodes.front().retired);
  const auto again = with_node(retired, 2, 2);
  EXPECT_EQ(again.drives.size(), 8u) << "a retired node is not let in";
  const auto next = with_node(retired, 6, 1);
  EXPECT_EQ(next.drives.back().index, DriveIndex{10}) << "numbers are never used again";
}

TEST(Growth, NothingBeginsWhileADriveThatStaysIsOut) {
  const auto map = with_node(cluster_of(4, 2), 5, 2);
  EXPECT_FALSE(next_growth_step(map).begin.empty());
  const auto away = changed(map, [](MapChange& change) { change.put_out(DriveIndex{0}); });
  EXPECT_TRUE(next_growth_step(away).begin.empty());
}

TEST(Growth, ANodeThatIsLostAndDrainedHasItsShardsRebuiltElsewhere) {
  auto map = cluster_of(5, 2);
  map = changed(map, [](MapChange& change) {
    change.put_out(DriveIndex{2});
    change.put_out(DriveIndex{3});
    change.set_node_leaving(NodeId{2}, true);
  });
  EXPECT_TRUE(next_growth_step(map).begin.empty());
  EXPECT_FALSE(next_growth_step(map).give_up.empty());
  const auto drained = run(map, 4);
  ASSERT_TRUE(drained);
  EXPECT_EQ(places_on(*drained, DriveIndex{2}) + places_on(*drained, DriveIndex{3}), 0u);
}

TEST(Growth, AMoveWhoseSourceIsLostForGoodIsGivenUp) {
  auto map = changed(cluster_of(5, 2), [](MapChange& change) { change.set_leaving(DriveIndex{0}, true); });
  const auto begun = next_growth_step(map).begin;
  ASSERT_FALSE(begun.empty());
  map = changed(map, [&](MapChange& change) {
    for (const auto& move : begun) change.begin_move(move.set, move.shard, move.to);
    change.put_out(DriveIndex{0});
  });
  const auto given_up = next_growth_step(map).give_up;
  for (const auto& move : begun) EXPECT_NE(std::ranges::find(given_up, move), given_up.end());
  EXPECT_TRUE(run(map, 5));
}

TEST(Growth, DrainingBelowWhatTheCodingNeedsIsRefused) {
  EXPECT_TRUE(check_leaving(cluster_of(4, 2), {DriveIndex{0}, DriveIndex{1}}));
  EXPECT_FALSE(check_leaving(cluster_of(3, 1), {DriveIndex{0}}));
  const auto one_leaves = changed(cluster_of(4, 1), [](MapChange& change) { change.set_leaving(DriveIndex{3}, true); });
  EXPECT_FALSE(check_leaving(one_leaves, {DriveIndex{0}}));
}

TEST(Growth, AMoveRaisesTheEpochOfItsSetAndItsEndDoesNot) {
  const auto map = cluster_of(5, 2);
  const auto& before = map.sets.front();
  DriveIndex to{0};
  while (std::ranges::find(before.members, to) != before.members.end()) ++to.value;
  const auto moving = changed(map, [&](MapChange& change) { change.begin_move(before.id, 0, to); });
  const auto& set = moving.sets.front();
  EXPECT_EQ(set.epoch.value, before.epoch.value + 1);
  EXPECT_EQ(set.members[0], to);
  ASSERT_EQ(set.moves.size(), 1u);
  EXPECT_EQ(set.moves[0].from, before.members[0]);
  EXPECT_EQ(set.moves[0].from_uuid, uuid_of(before.members[0]));
  const auto done = changed(moving, [&](MapChange& change) { change.finish_move(before.id, 0, to); });
  EXPECT_EQ(done.sets.front().epoch, set.epoch);
  EXPECT_TRUE(done.sets.front().moves[0].done);
}

}  // namespace
}  // namespace firn::server
