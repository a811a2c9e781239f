#include "growth/mover.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <thread>

#include "fake_cluster.h"
#include "fake_metadata.h"
#include "map_lookup.h"

namespace firn::server {
namespace {

using volume::testing::extent_id;
using volume::testing::FakeCluster;
using volume::testing::FakeDrive;

constexpr DriveIndex kFrom{0}, kTo{6};

/// It has a map, and needs every extent.
class MapMetadata final : public test::FakeMetadata {
 public:
  explicit MapMetadata(metadata::MapRecord map) : map_(std::move(map)) {}
  metadata::MapRecord map() const {
    const std::lock_guard lock(mutex_);
    return map_;
  }
  Task<metadata::MapRecord> cluster_map() override { co_return map(); }
  Task<> put_cluster_map(metadata::MapRecord map) override {
    const std::lock_guard lock(mutex_);
    map_ = std::move(map);
    co_return Unit{};
  }
  Task<std::vector<bool>> needed(std::vector<ExtentId> extents) override {
    co_return std::vector<bool>(extents.size(), true);
  }

 private:
  mutable std::mutex mutex_;
  metadata::MapRecord map_;
};

/// As FakeCluster's, and a seventh drive that shard 0 moves to.
metadata::MapRecord moving_map(const volume::ClusterMap& from) {
  metadata::MapRecord map{.version = from.version, .cluster = from.cluster};
  for (const auto& [index, drive] : from.drives) map.drives.push_back({index, drive.uuid, drive.domain, false});
  Uuid seventh;
  seventh.bytes.fill(7);
  map.drives.push_back({kTo, seventh, "drive-7", false});
  const auto& set = from.sets.begin()->second;
  map.sets.push_back({set.id, set.epoch, set.shape.data, set.shape.parity, set.members, true});
  MapChange change(std::move(map));
  change.begin_move(set.id, 0, kTo);
  return *change.finish();
}

struct Moving : ::testing::Test {
  FakeCluster cluster;
  std::shared_ptr<FakeDrive> target = std::make_shared<FakeDrive>(kTo);
  MapMetadata metadata{moving_map(cluster.map())};
  MapKeeper keeper{{.runtime = cluster.runtime(),
                    .metadata = metadata,
                    .volumes = cluster.client(),
                    .drive = [](DriveIndex) { return nullptr; },
                    .drive_lost = [](DriveIndex) -> boost::asio::awaitable<void> { co_return; }}};
  Mover mover{{.runtime = cluster.runtime(),
               .metadata = metadata,
               .keeper = keeper,
               .own = [this](DriveIndex drive) { return drive == kTo ? target : nullptr; },
               .remove_left = [](DriveIndex, std::vector<volume::RecordKey>, SetEpoch) -> Task<> { co_return Unit{}; },
               .find = [this](DriveIndex drive) { return cluster.shared_drive(drive.value); }},
              {}};

  void run(boost::asio::awaitable<void> work) {
    boost::asio::co_spawn(cluster.runtime().io(0), std::move(work), boost::asio::use_future).get();
  }
  void start() {
    ASSERT_TRUE(cluster.run(keeper.start(metadata.map(), [](MapChange&) {})));
    boost::asio::post(cluster.runtime().io(0), [this] { mover.start(); });
  }
  void TearDown() override {
    run(mover.stop());
    run(keeper.stop());
  }
  bool moved() const { return metadata.map().sets.front().moves.front().done; }
  /// Lets the mover try again and again meanwhile. False after a bound that no healthy run reaches.
  bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      mover.poke();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
};

TEST_F(Moving, RecordsAMoveOnceAllRecordsAreSyncedInTheirNewPlace) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(cluster.put(extent_id(i), volume::testing::some_bytes(100'000, i)));
  }
  const auto keys = cluster.drive(kFrom.value).keys();
  ASSERT_FALSE(keys.empty());
  start();
  EXPECT_TRUE(eventually([this] { return moved(); }));
  target->lose_power();
  EXPECT_EQ(target->keys(), keys);
}

TEST_F(Moving, CountsOnNothingThatAWalkWhichBrokeOffLeftUnsynced) {
  ASSERT_TRUE(cluster.put(extent_id(1), volume::testing::some_bytes(100'000, 1)));
  const auto keys = cluster.drive(kFrom.value).keys();
  target->fail_syncs(Errc::drive_unreachable);
  start();
  EXPECT_TRUE(eventually([&] { return target->keys() == keys; }));
  EXPECT_FALSE(moved());
  target->fail_syncs(std::nullopt);
  EXPECT_TRUE(eventually([this] { return moved(); }));
  target->lose_power();
  EXPECT_EQ(target->keys(), keys);
}

}  // namespace
}  // namespace firn::server
