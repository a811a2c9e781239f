#include "cluster/departure.h"

#include <gtest/gtest.h>

#include "map_change.h"

namespace firn::server {
namespace {

using namespace std::chrono_literals;

constexpr Departure::Time kStart{1000s};
constexpr NodeId kOwn{3};

metadata::MapRecord map_of(std::uint32_t nodes) {
  std::vector<metadata::DriveRecord> drives;
  for (std::uint16_t drive = 0; drive < 2 * nodes; ++drive) {
    Uuid uuid;
    uuid.bytes.fill(static_cast<std::uint8_t>(drive + 1));
    drives.push_back({.index = DriveIndex{drive}, .uuid = uuid, .domain = domain_of(NodeId{drive / 2 + 1U})});
  }
  return first_map(Uuid{}, std::move(drives), {4, 2});
}

metadata::MapRecord closed(const metadata::MapRecord& map, bool closing = true) {
  MapChange change(map);
  for (const auto drive : drives_of_node(map, kOwn)) change.set_closing(drive, closing);
  return *change.finish();
}

std::vector<Hello> all_say(std::uint64_t writes_since) {
  std::vector<Hello> hellos;
  for (std::uint32_t node = 1; node <= 4; ++node) {
    hellos.push_back({.node = NodeId{node}, .closing = NodeId{node} == kOwn, .writes_since = writes_since});
  }
  return hellos;
}

TEST(Departure, WaitsUntilItsDrivesAreClosed) {
  const auto map = map_of(4);
  Departure departure(kOwn, kStart);
  EXPECT_FALSE(departure.may_leave(map, all_say(map.version), kStart));
  EXPECT_FALSE(departure.may_leave(map, all_say(map.version), kStart + 4s));
  EXPECT_TRUE(departure.may_leave(map, all_say(map.version), kStart + Departure::kClosingPatience));
}

TEST(Departure, WaitsUntilAllHaveWrittenWhatTheyBegan) {
  const auto before = map_of(4);
  const auto map = closed(before);
  Departure departure(kOwn, kStart);
  auto hellos = all_say(map.version);
  hellos[1].writes_since = before.version;
  EXPECT_FALSE(departure.may_leave(map, hellos, kStart));
  hellos[1].writes_since = map.version;
  EXPECT_TRUE(departure.may_leave(map, hellos, kStart));
}

TEST(Departure, WaitsForANodeThatDoesNotAnswerUntilItIsOut) {
  auto map = closed(map_of(4));
  Departure departure(kOwn, kStart);
  auto hellos = all_say(map.version);
  hellos.erase(hellos.begin());
  EXPECT_FALSE(departure.may_leave(map, hellos, kStart));
  for (const auto drive : drives_of_node(map, NodeId{1})) map.drives[drive.value].out = true;
  EXPECT_TRUE(departure.may_leave(map, hellos, kStart));
}

TEST(Departure, WaitsForNoWriteForEver) {
  const auto map = closed(map_of(4));
  Departure departure(kOwn, kStart);
  EXPECT_FALSE(departure.may_leave(map, all_say(0), kStart + 4s));
  EXPECT_FALSE(departure.may_leave(map, all_say(0), kStart + 13s));
  EXPECT_TRUE(departure.may_leave(map, all_say(0), kStart + 4s + Departure::kWritesPatience));
}

TEST(Departure, CountsFromTheLastTimeItsDrivesWereClosed) {
  const auto first = closed(map_of(4));
  Departure departure(kOwn, kStart);
  EXPECT_FALSE(departure.may_leave(first, all_say(0), kStart));
  const auto open = closed(first, false);
  EXPECT_FALSE(departure.may_leave(open, all_say(open.version), kStart));
  const auto again = closed(open);
  EXPECT_FALSE(departure.may_leave(again, all_say(open.version), kStart)) << "begun while they were open";
  EXPECT_TRUE(departure.may_leave(again, all_say(again.version), kStart));
}

TEST(Departure, WaitsForNothingWhenAnotherNodeStopsBeforeIt) {
  const auto map = map_of(4);
  auto hellos = all_say(0);
  hellos[0].closing = true;
  EXPECT_TRUE(Departure(kOwn, kStart).may_leave(map, hellos, kStart));
  EXPECT_FALSE(Departure(kOwn, kStart).may_leave(closed(map), hellos, kStart)) << "it came first";
}

TEST(Departure, WaitsForNothingWhereNothingElseCanBeWritten) {
  EXPECT_TRUE(Departure(kOwn, kStart).may_leave(closed(map_of(3)), all_say(0), kStart));
}

}  // namespace
}  // namespace firn::server
