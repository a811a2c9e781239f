#include "cluster/liveness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "map_change.h"

namespace firn::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr Liveness::Time kStart{1000s};
constexpr std::uint16_t kDrivesEach = 2;

Uuid uuid_of(std::uint16_t drive) {
  Uuid uuid;
  uuid.bytes.fill(static_cast<std::uint8_t>(drive + 1));
  return uuid;
}

metadata::MapRecord map_of(std::uint32_t nodes) {
  metadata::MapRecord map;
  for (std::uint16_t drive = 0; drive < nodes * kDrivesEach; ++drive) {
    map.drives.push_back({DriveIndex{drive}, uuid_of(drive), domain_of(NodeId{drive / kDrivesEach + 1U}), false});
  }
  return map;
}

Hello serving(std::uint32_t node) {
  Hello hello{.node = NodeId{node}, .first_open_lease = LeaseId{10 + node}, .serving = true};
  for (auto drive = static_cast<std::uint16_t>((node - 1) * kDrivesEach); drive < node * kDrivesEach; ++drive) {
    hello.drives.push_back({DriveIndex{drive}, uuid_of(drive), true});
  }
  return hello;
}

Liveness all_heard(std::uint32_t nodes) {
  Liveness liveness(nodes);
  liveness.begin(kStart);
  for (std::uint32_t node = 1; node <= nodes; ++node) liveness.heard(serving(node), kStart);
  return liveness;
}

TEST(Liveness, ChangesNothingWhileAllServe) { EXPECT_TRUE(all_heard(4).changes(map_of(4), kStart + 1s).empty()); }

TEST(Liveness, PutsOutTheDrivesOfANodeThatFallsSilent) {
  auto liveness = all_heard(4);
  const auto later = kStart + Liveness::kSilenceMax;
  for (const std::uint32_t node : {1, 2, 4}) liveness.heard(serving(node), later);
  const auto changes = liveness.changes(map_of(4), later);
  EXPECT_THAT(changes.out, ElementsAre(DriveIndex{4}, DriveIndex{5}));
  EXPECT_THAT(changes.in, IsEmpty());
}

TEST(Liveness, WaitsForNoNodeThatIsGone) {
  auto liveness = all_heard(4);
  liveness.gone(NodeId{3});
  EXPECT_THAT(liveness.changes(map_of(4), kStart).out, ElementsAre(DriveIndex{4}, DriveIndex{5}));
  EXPECT_EQ(liveness.first_open_lease(), LeaseId{11}) << "what it wrote under is still open";
  liveness.heard(serving(3), kStart);
  EXPECT_TRUE(liveness.changes(map_of(4), kStart).empty());
}

TEST(Liveness, PutsOutTheDrivesOfANodeThatLeavesThoughItServes) {
  auto liveness = all_heard(4);
  auto leaving = serving(3);
  leaving.leaving = true;
  liveness.heard(leaving, kStart);
  auto map = map_of(4);
  EXPECT_THAT(liveness.changes(map, kStart).out, ElementsAre(DriveIndex{4}, DriveIndex{5}));
  map.drives[4].out = map.drives[5].out = true;
  EXPECT_TRUE(liveness.changes(map, kStart).empty()) << "they stay out for as long as it answers";
}

Hello about_to_stop(std::uint32_t node) {
  auto hello = serving(node);
  hello.closing = true;
  return hello;
}

TEST(Liveness, ClosesTheDrivesOfANodeThatIsAboutToStop) {
  auto liveness = all_heard(4);
  liveness.heard(about_to_stop(3), kStart);
  auto map = map_of(4);
  const auto changes = liveness.changes(map, kStart);
  EXPECT_THAT(changes.closing, ElementsAre(DriveIndex{4}, DriveIndex{5}));
  EXPECT_THAT(changes.out, IsEmpty());
  map.drives[4].closing = map.drives[5].closing = true;
  EXPECT_TRUE(liveness.changes(map, kStart).empty());
}

TEST(Liveness, ClosesTheDrivesOfOneNodeAtATime) {
  auto liveness = all_heard(4);
  liveness.heard(about_to_stop(2), kStart);
  liveness.heard(about_to_stop(3), kStart);
  auto map = map_of(4);
  EXPECT_TRUE(liveness.changes(map, kStart).empty());
  map.drives[4].closing = map.drives[5].closing = true;
  EXPECT_TRUE(liveness.changes(map, kStart).empty()) << "the first one's stay closed";
}

TEST(Liveness, ClosesThemThoughAnotherNodeIsGone) {
  auto liveness = all_heard(6);
  liveness.heard(about_to_stop(2), kStart);
  liveness.gone(NodeId{2});
  liveness.heard(about_to_stop(3), kStart);
  EXPECT_THAT(liveness.changes(map_of(6), kStart).closing, ElementsAre(DriveIndex{4}, DriveIndex{5}));
}

TEST(Liveness, ReopensTheDrivesOfANodeThatDoesNotStop) {
  auto map = map_of(4);
  map.drives[4].closing = map.drives[5].closing = true;
  EXPECT_THAT(all_heard(4).changes(map, kStart).reopening, ElementsAre(DriveIndex{4}, DriveIndex{5}));
}

TEST(Liveness, PutsOutTheDrivesOfANodeThatDiesWhileItCloses) {
  auto liveness = all_heard(4);
  liveness.heard(about_to_stop(3), kStart);
  auto map = map_of(4);
  map.drives[4].closing = map.drives[5].closing = true;
  liveness.gone(NodeId{3});
  const auto changes = liveness.changes(map, kStart);
  EXPECT_THAT(changes.out, ElementsAre(DriveIndex{4}, DriveIndex{5}));
  EXPECT_THAT(changes.reopening, IsEmpty());
}

TEST(Liveness, PutsNoDriveInWhoseNodeIsAboutToStop) {
  auto liveness = all_heard(4);
  liveness.heard(about_to_stop(3), kStart);
  auto map = map_of(4);
  map.drives[4].out = map.drives[5].out = true;
  EXPECT_TRUE(liveness.changes(map, kStart).empty());
}

/// Node 3 is gone and its drives are out; node 2 will not reach it when it is back.
struct Return {
  Return() {
    map.drives[4].out = map.drives[5].out = true;
    liveness.gone(NodeId{3});
    other.unreached = {NodeId{3}};
  }
  Liveness liveness = all_heard(4);
  metadata::MapRecord map = map_of(4);
  Hello other = serving(2);
};

TEST(Liveness, PutsDrivesInOnceAllOthersReachTheirNode) {
  auto [liveness, map, other] = Return();
  liveness.heard(other, kStart);
  const auto back = kStart + 1s;
  liveness.heard(serving(3), back);
  EXPECT_TRUE(liveness.changes(map, back).empty());
  liveness.heard(serving(2), back);
  EXPECT_THAT(liveness.changes(map, back).in, ElementsAre(DriveIndex{4}, DriveIndex{5}));
}

TEST(Liveness, WaitsNotForEverForOneThatReachesItNot) {
  auto [liveness, map, other] = Return();
  for (auto now = kStart; now < kStart + Liveness::kReachPatience; now += 500ms) {
    liveness.heard(serving(3), now);
    liveness.heard(other, now);
    EXPECT_THAT(liveness.changes(map, now).in, IsEmpty());
  }
  const auto later = kStart + Liveness::kReachPatience;
  EXPECT_THAT(liveness.changes(map, later).in, ElementsAre(DriveIndex{4}, DriveIndex{5}));
}

TEST(Liveness, LetsOneNodeLeaveAtATime) {
  auto liveness = all_heard(4);
  for (const std::uint32_t node : {2, 3}) {
    auto leaving = serving(node);
    leaving.leaving = true;
    liveness.heard(leaving, kStart);
  }
  EXPECT_TRUE(liveness.changes(map_of(4), kStart).empty());
  liveness.heard(serving(2), kStart);
  EXPECT_THAT(liveness.changes(map_of(4), kStart).out, ElementsAre(DriveIndex{4}, DriveIndex{5}));
}

TEST(Liveness, PutsThemInAgainOnceTheNodeServes) {
  auto liveness = all_heard(4);
  auto map = map_of(4);
  map.drives[4].out = map.drives[5].out = true;
  const auto later = kStart + 60s;
  for (const std::uint32_t node : {1, 2, 4}) liveness.heard(serving(node), later);
  auto starting = serving(3);
  starting.serving = false;
  liveness.heard(starting, later);
  EXPECT_TRUE(liveness.changes(map, later).empty()) << "it answers, but does not serve yet";
  liveness.heard(serving(3), later);
  EXPECT_THAT(liveness.changes(map, later).in, ElementsAre(DriveIndex{4}, DriveIndex{5}));
}

TEST(Liveness, GoesByWhatANodeSaysOfEachDrive) {
  auto liveness = all_heard(4);
  auto hello = serving(2);
  hello.drives[0].well = false;
  liveness.heard(hello, kStart);
  EXPECT_THAT(liveness.changes(map_of(4), kStart).out, ElementsAre(DriveIndex{2}));
  hello = serving(2);
  hello.drives.pop_back();
  liveness.heard(hello, kStart);
  EXPECT_THAT(liveness.changes(map_of(4), kStart).out, ElementsAre(DriveIndex{3}));
}

TEST(Liveness, PutsNoDriveInThatTookAnothersPlace) {
  auto liveness = all_heard(4);
  auto map = map_of(4);
  map.drives[0].uuid = uuid_of(99);
  map.drives[0].out = true;
  EXPECT_TRUE(liveness.changes(map, kStart).empty());
}

TEST(Liveness, GivesEveryNodeItsTimeWhenItBeginsToLead) {
  Liveness liveness(4);
  liveness.begin(kStart);
  EXPECT_TRUE(liveness.changes(map_of(4), kStart + 1s).empty());
  EXPECT_EQ(liveness.changes(map_of(4), kStart + Liveness::kSilenceMax).out.size(), 8u);
}

TEST(Liveness, LeavesNodesAloneThatAreNotOnItsList) {
  Liveness liveness(4);
  liveness.begin(kStart);
  for (std::uint32_t node = 1; node <= 4; ++node) liveness.heard(serving(node), kStart + 60s);
  EXPECT_TRUE(liveness.changes(map_of(6), kStart + 60s).empty());
}

TEST(Liveness, SweepsNoLeaseThatAnyNodeMayWriteUnder) {
  auto liveness = all_heard(4);
  EXPECT_EQ(liveness.first_open_lease(), LeaseId{11});
  auto hello = serving(3);
  hello.first_open_lease = LeaseId{5};
  liveness.heard(hello, kStart);
  EXPECT_EQ(liveness.first_open_lease(), LeaseId{5});
  EXPECT_EQ(Liveness(4).first_open_lease(), LeaseId{0}) << "nothing is known of any node";
}

}  // namespace
}  // namespace firn::server
