#include "map_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace firn::server {
namespace {

using ::testing::ElementsAre;

constexpr erasure::Shape kShape{4, 2};

metadata::MapRecord fresh(std::size_t drives, erasure::Shape shape = kShape) {
  std::vector<Uuid> uuids(drives);
  for (std::size_t i = 0; i < drives; ++i) uuids[i].bytes.fill(static_cast<std::uint8_t>(i + 1));
  return first_map(Uuid{}, uuids, shape);
}

metadata::MapRecord without(metadata::MapRecord map, const std::vector<std::uint16_t>& drives) {
  for (const auto drive : drives) {
    MapChange change(std::move(map));
    change.put_out(DriveIndex{drive});
    map = *change.finish();
  }
  return map;
}

metadata::MapRecord with(metadata::MapRecord map, std::uint16_t drive) {
  MapChange change(std::move(map));
  change.put_in(DriveIndex{drive});
  return *change.finish();
}

std::vector<std::uint32_t> open_sets(const metadata::MapRecord& map) {
  std::vector<std::uint32_t> open;
  for (const auto& set : map.sets) {
    if (set.open) open.push_back(set.id.value);
  }
  return open;
}

std::map<std::uint16_t, int> places(const metadata::SetRecord& set) {
  std::map<std::uint16_t, int> counts;
  for (const auto member : set.members) ++counts[member.value];
  return counts;
}

TEST(FirstMap, HasOneSetOverSixDrives) {
  const auto map = fresh(6);
  ASSERT_EQ(map.sets.size(), 1u);
  EXPECT_EQ(map.sets[0].members.size(), 6u);
  EXPECT_EQ(places(map.sets[0]).size(), 6u);
  EXPECT_TRUE(write_quorum(to_cluster_map(map), *to_cluster_map(map).find_set(SetId{1})).reachable());
}

TEST(FirstMap, LoadsMoreDrivesEvenly) {
  std::map<std::uint16_t, int> total;
  const auto map = fresh(9);
  for (const auto& set : map.sets) {
    EXPECT_EQ(places(set).size(), 6u) << "no drive twice";
    for (const auto& [drive, count] : places(set)) total[drive] += count;
  }
  ASSERT_EQ(total.size(), 9u);
  for (const auto& [drive, count] : total) EXPECT_EQ(count, 6) << drive;
}

TEST(MapChange, IsNothingWhenNothingChanges) {
  MapChange change(fresh(6));
  change.put_in(DriveIndex{3});
  change.put_out(DriveIndex{99});
  EXPECT_FALSE(change.finish());
}

TEST(MapChange, RaisesVersionAndEpochOnceForAllChangesTogether) {
  MapChange change(fresh(6));
  change.put_out(DriveIndex{1});
  change.put_out(DriveIndex{2});
  const auto map = *change.finish();
  EXPECT_EQ(map.version, 2u);
  EXPECT_EQ(map.sets[0].epoch.value, 2u);
}

TEST(MapChange, LeavesTheSetOpenWithOneDriveOut) {
  const auto map = without(fresh(6), {2});
  EXPECT_THAT(open_sets(map), ElementsAre(1));
  EXPECT_EQ(map.sets.size(), 1u);
}

TEST(MapChange, FormsASetOverFourDrivesWithTwoOut) {
  const auto map = without(fresh(6), {0, 4});
  EXPECT_THAT(open_sets(map), ElementsAre(2));
  std::vector<int> counts;
  for (const auto& [drive, count] : places(map.sets[1])) {
    EXPECT_TRUE(drive != 0 && drive != 4);
    counts.push_back(count);
  }
  EXPECT_THAT(counts, ::testing::UnorderedElementsAre(2, 2, 1, 1));
}

TEST(MapChange, GoesOnFormingSetsWhileParityCoversTheLossOfADrive) {
  const auto three_left = without(fresh(6), {0, 1, 2});
  ASSERT_EQ(open_sets(three_left).size(), 1u);
  for (const auto& [drive, count] : places(three_left.sets.back())) EXPECT_EQ(count, 2) << drive;
  EXPECT_TRUE(open_sets(without(three_left, {3})).empty()) << "three of six shards on one drive can't be survived";
}

TEST(MapChange, GoesBackToTheWholeSetWhenDrivesReturn) {
  const auto map = with(without(fresh(6), {0, 4}), 4);
  EXPECT_THAT(open_sets(map), ElementsAre(1));
}

TEST(MapChange, FormsNoSetTwiceForADriveThatComesAndGoes) {
  auto map = without(fresh(6), {0, 4});
  for (int i = 0; i < 5; ++i) map = without(with(std::move(map), 4), {4});
  EXPECT_EQ(map.sets.size(), 2u);
  EXPECT_THAT(open_sets(map), ElementsAre(2));
}

TEST(MapChange, PrefersSetsWithoutTheDriveThatIsOut) {
  const auto map = without(fresh(8), {3});
  for (const auto& set : map.sets) {
    EXPECT_EQ(set.open, !places(set).contains(3)) << set.id.value;
  }
  EXPECT_EQ(open_sets(map).size(), 2u);
}

TEST(MapChange, RaisesOnlyTheEpochsOfSetsWithTheDrive) {
  const auto before = fresh(8);
  const auto after = without(before, {3});
  for (std::size_t i = 0; i < before.sets.size(); ++i) {
    EXPECT_EQ(after.sets[i].epoch.value, places(after.sets[i]).contains(3) ? 2u : 1u);
  }
}

TEST(MapChange, KeepsAReplacementOutUntilItHoldsWhatItOwes) {
  MapChange change(fresh(6));
  Uuid uuid;
  uuid.bytes.fill(0x77);
  change.replace(DriveIndex{5}, uuid);
  const auto map = *change.finish();
  EXPECT_TRUE(map.drives[5].out);
  EXPECT_EQ(map.drives[5].uuid, uuid);
  EXPECT_FALSE(with(map, 5).drives[5].out);
}

TEST(MapChange, NeverUsesASetIdAgain) {
  const auto map = without(without(fresh(6), {0, 1}), {2});
  EXPECT_EQ(map.sets.size(), 3u);
  EXPECT_EQ(map.sets[2].id.value, 3u);
}

}  // namespace
}  // namespace firn::server
