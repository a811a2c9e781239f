#include "fsck.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <set>

#include "clients.h"
#include "cluster.h"
#include "map_lookup.h"
#include "query/query.h"
#include "world.h"

namespace firn::simulation {
namespace {

using namespace std::chrono_literals;
using server::FsckReport;

/// Sets of six then leave a drive that one of their shards can move to.
constexpr std::uint64_t kSeedOfTwelveDrives = 12;

/// A cluster without faults, and what is asked of it.
class Patient {
 public:
  explicit Patient(Runtime& runtime, std::uint64_t seed = 11)
      : scenario_{.seed = seed}, cluster(runtime, scenario_), clients_(parts(), cluster.random.fork()) {}

  boost::asio::awaitable<FsckReport> fsck() {
    Node& node = *cluster.any_node(cluster.random);
    server::Fsck fsck({.metadata = node.metadata(),
                       .volumes = node.volumes(),
                       .drive = [&](DriveIndex drive) { return node.service(drive); },
                       .closing = [] { return false; }},
                      {.extents_per_page = 3, .records_per_page = 5});
    const auto report = co_await fsck.run();
    EXPECT_TRUE(report.has_value());
    co_return report.value_or(FsckReport{});
  }

  boost::asio::awaitable<void> work(std::size_t operations) {
    co_await clients_.run(operations);
    done_ = true;
  }
  bool done() const { return done_; }

  boost::asio::awaitable<void> whole() {
    while (!cluster.whole()) co_await sleep(1s);
  }

  std::vector<metadata::DegradedExtent> extents() const {
    std::vector<metadata::DegradedExtent> all;
    for (const auto& set : cluster.map().sets) {
      const auto some =
          metadata::query::list_extents(cluster.log.state(), {.set = set.id, .after = {}, .limit = 1'000});
      all.insert(all.end(), some->begin(), some->end());
    }
    return all;
  }
  Drive& drive_of(const metadata::DegradedExtent& extent, std::uint8_t shard) {
    const auto map = cluster.map();
    return *cluster.drives()[server::find_set(map, extent.set)->members[shard].value].drive;
  }
  void lose(const metadata::DegradedExtent& extent, std::uint8_t shard) {
    drive_of(extent, shard).lose({.extent = extent.extent, .stripe = 0, .shard = shard});
  }

 private:
  const Scenario scenario_;  // The cluster refers to it.

 public:
  Cluster cluster;

 private:
  Clients::Parts parts() {
    return {.log = cluster.log,
            .history = cluster.history,
            .trace = cluster.trace,
            .any_node = [this] { return cluster.any_node(cluster.random); },
            .wrong = [this](std::string what) { cluster.wrong(std::move(what)); }};
  }
  Clients clients_;
  bool done_ = false;
};

boost::asio::awaitable<void> raises_no_alarm(Runtime& runtime) {
  Patient patient(runtime);
  co_await patient.cluster.begin();
  boost::asio::co_spawn(runtime.io(0), patient.work(150), [](std::exception_ptr) {});
  std::size_t compared = 0, checks = 0;
  for (; !patient.done(); ++checks) {
    std::set<std::string> held;
    const FsckReport report = co_await patient.fsck();
    for (const auto& extent : patient.extents()) held.insert(to_string(extent.extent));
    EXPECT_EQ(report.missing_records, 0U);
    EXPECT_EQ(report.unreadable, 0U);
    // What a refused write left under a lease that is closed by now may be there for a moment.
    for (const auto& line : report.details) {
      EXPECT_FALSE(held.contains(line.substr(7, line.find(' ', 7) - 7))) << line;
    }
    compared += report.records;
    co_await sleep(100ms);
  }
  EXPECT_GT(checks, 10U);
  EXPECT_GT(compared, 100U);
  co_await patient.cluster.end();
}

boost::asio::awaitable<void> finds_what_was_planted(Runtime& runtime) {
  Patient patient(runtime);
  co_await patient.cluster.begin();
  co_await patient.work(60);
  co_await sleep(200s);  // What is freed is gone, orphans too.
  co_await patient.whole();
  const auto extents = patient.extents();
  EXPECT_GE(extents.size(), 3U);
  const FsckReport sound = co_await patient.fsck();
  EXPECT_EQ(sound.missing_records + sound.unreadable, 0U);
  EXPECT_EQ(sound.extents, extents.size());

  patient.lose(extents[0], 5);
  const FsckReport missing = co_await patient.fsck();
  EXPECT_EQ(missing.missing_records, 1U);
  EXPECT_EQ(missing.missing_extents, 1U);
  EXPECT_EQ(missing.unreadable, 0U);
  // It is on the list of repair.
  EXPECT_FALSE(patient.cluster.whole());
  co_await patient.whole();
  EXPECT_EQ((co_await patient.fsck()).missing_records, 0U);

  for (const std::uint8_t shard : {0, 2, 3}) patient.lose(extents[1], shard);
  const FsckReport gone = co_await patient.fsck();
  EXPECT_EQ(gone.missing_records, 3U);
  EXPECT_EQ(gone.missing_extents, 1U);
  EXPECT_EQ(gone.unreadable, 1U);

  const volume::RecordKey like{.extent = extents[2].extent, .stripe = 0, .shard = 1};
  Drive& drive = patient.drive_of(extents[2], 1);
  // The first lease was granted to the first node; all later ones are higher. It was given up when it was full, or is
  // closed by that node's next start.
  patient.cluster.kill(NodeId{1}, false);
  co_await patient.cluster.start(NodeId{1});
  co_await sleep(200s);  // What writes that were refused had left is swept.
  drive.plant({.extent = {LeaseId{1}, 999'999}, .stripe = 0, .shard = 1}, like);
  drive.plant({.extent = {LeaseId{1'000'000}, 1}, .stripe = 0, .shard = 1}, like);  // Never granted: not ours to judge.
  const FsckReport orphaned = co_await patient.fsck();
  EXPECT_EQ(orphaned.orphaned_extents, 1U);
  EXPECT_EQ(orphaned.orphaned_records, 1U);
  co_await patient.cluster.end();
}

/// A place of the extent's set moves, and nothing is copied: the records stay where they were.
Task<> move_a_shard(Patient& patient, const metadata::DegradedExtent& extent, std::uint8_t shard) {
  const auto map = patient.cluster.map();
  const auto* set = server::find_set(map, extent.set);
  DriveIndex to;
  while (std::ranges::find(set->members, to) != set->members.end()) ++to.value;
  Node& node = *patient.cluster.any_node(patient.cluster.random);
  CO_TRY(co_await node.keeper().change([&](server::MapChange& change) { change.begin_move(set->id, shard, to); }));
  co_await sleep(1s);  // Every node knows.
  co_return Unit{};
}

boost::asio::awaitable<void> looks_where_shards_move_from(Runtime& runtime) {
  Patient patient(runtime, kSeedOfTwelveDrives);
  co_await patient.cluster.begin();
  co_await patient.work(60);
  co_await patient.whole();
  const auto extents = patient.extents();
  EXPECT_GE(extents.size(), 3U);
  EXPECT_EQ(patient.cluster.drives().size(), 12U);
  Drive& before = patient.drive_of(extents[0], 4);
  const auto moved = co_await move_a_shard(patient, extents[0], 4);
  EXPECT_TRUE(moved.has_value());
  EXPECT_NE(patient.drive_of(extents[0], 4).index(), before.index());
  const FsckReport sound = co_await patient.fsck();
  EXPECT_EQ(sound.missing_records + sound.unreadable + sound.orphaned_records, 0U);
  before.lose({.extent = extents[0].extent, .stripe = 0, .shard = 4});
  EXPECT_EQ((co_await patient.fsck()).missing_records, 1U);
  co_await patient.cluster.end();
}

TEST(Fsck, LooksWhereShardsMoveFrom) {
  World world;
  world.run(looks_where_shards_move_from(world.runtime()));
}

TEST(Fsck, RaisesNoAlarmWhileClientsWriteAndDelete) {
  World world;
  world.run(raises_no_alarm(world.runtime()));
}

TEST(Fsck, FindsWhatIsMissingUnreadableAndOrphaned) {
  World world;
  world.run(finds_what_was_planted(world.runtime()));
}

}  // namespace
}  // namespace firn::simulation
