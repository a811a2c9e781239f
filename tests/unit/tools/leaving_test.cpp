#include "growth/leaving.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fake_cluster.h"
#include "fake_metadata.h"
#include "map_lookup.h"

namespace firn::server {
namespace {

/// Records maps, each some turns of the loop after it was asked to.
class SlowMetadata final : public test::FakeMetadata {
 public:
  Task<> put_cluster_map(metadata::MapRecord map) override {
    for (int turn = 0; turn < 3; ++turn) {
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    }
    recorded = std::move(map);
    co_return Unit{};
  }
  metadata::MapRecord recorded;
};

metadata::MapRecord map_of(std::uint32_t nodes) {
  std::vector<metadata::DriveRecord> drives;
  for (std::uint16_t i = 0; i < 2 * nodes; ++i) {
    Uuid uuid;
    uuid.bytes.fill(static_cast<std::uint8_t>(i + 1));
    drives.push_back({DriveIndex{i}, uuid, domain_of(NodeId{1U + i / 2U}), false});
  }
  return first_map(Uuid{}, std::move(drives), {4, 2});
}

struct LeavingNodes : testing::Test {
  LeavingNodes() {
    EXPECT_TRUE(cluster.run(keeper.start(map_of(4), [](MapChange&) {})));
  }
  ~LeavingNodes() override { cluster.run(stop()).value(); }
  Task<> stop() {
    co_await keeper.stop();
    co_return Unit{};
  }
  std::future<Result<>> start_to_drain(std::uint32_t node, bool undo = false) {
    return cluster.start(drain(keeper, {.drives = {}, .node = NodeId{node}}, undo));
  }

  volume::testing::FakeCluster cluster;
  SlowMetadata metadata;
  MapKeeper keeper{{.runtime = cluster.runtime(),
                    .metadata = metadata,
                    .volumes = cluster.client(),
                    .drive = [](DriveIndex) { return nullptr; },
                    .drive_lost = [](DriveIndex) -> boost::asio::awaitable<void> { co_return; }}};
};

TEST_F(LeavingNodes, AreRefusedWhereTooFewWouldStay) {
  EXPECT_TRUE(start_to_drain(1).get());
  EXPECT_EQ(start_to_drain(2).get().code(), Errc::invalid_request);
  EXPECT_TRUE(start_to_drain(1, true).get());
  EXPECT_TRUE(start_to_drain(2).get());
}

TEST_F(LeavingNodes, AreRefusedAlsoWhenTwoAskAtOnce) {
  auto first = start_to_drain(1);
  auto second = start_to_drain(2);
  const bool first_leaves = first.get().has_value();
  EXPECT_NE(first_leaves, second.get().has_value());
  EXPECT_EQ(find_drive(metadata.recorded, DriveIndex{0})->leaving, first_leaves);
  EXPECT_EQ(find_drive(metadata.recorded, DriveIndex{2})->leaving, !first_leaves);
}

}  // namespace
}  // namespace firn::server
