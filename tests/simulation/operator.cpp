#include "operator.h"

#include <algorithm>

#include "map_lookup.h"

namespace firn::simulation {

using namespace std::chrono_literals;

namespace {

/// Ever; more make a run longer, not richer.
constexpr std::size_t kDrivesMax = 20;
constexpr std::uint32_t kNodesMax = 7;

bool holds_nothing(const metadata::MapRecord& map, DriveIndex drive) { return server::places_on(map, drive) == 0; }

}  // namespace

boost::asio::awaitable<void> Operator::run(const bool& ended) {
  while (!ended) {
    co_await sleep(std::chrono::milliseconds(random_.between(1'000, 9'000)));
    Node* const node = cluster_.any_node(random_);
    if (ended || node == nullptr) continue;
    co_await act(*node);
    co_await cluster_.follow_map();
  }
}

boost::asio::awaitable<void> Operator::act(Node& node) {
  Result<> done = Errc::invalid_request;
  switch (random_.below(8)) {
    case 0:
    case 1:
      done = co_await add_drive(node);
      break;
    case 2:
      done = co_await add_node(node);
      break;
    case 3:
    case 4:
      done = co_await drain(node, false, false);
      break;
    case 5:
      done = co_await drain(node, true, false);
      break;
    case 6:
      done = co_await drain(node, random_.one_in(2), true);
      break;
    default:
      co_await retire_what_is_empty(node);
  }
  cluster_.outcome.grown += done ? 1 : 0;
}

Task<> Operator::add_drive(Node& node) {
  const NodeId owner = cluster_.owner(DriveIndex{static_cast<std::uint16_t>(random_.below(cluster_.drives().size()))});
  const bool there = owner.value != 0 && !cluster_.retired(owner);
  if (cluster_.drives().size() >= kDrivesMax || !there) co_return Errc::invalid_request;
  co_return co_await node.keeper().change([owner](server::MapChange& change) { change.add_drive(owner); });
}

Task<> Operator::add_node(Node& node) {
  const std::size_t drives = random_.between(1, 2);
  if (cluster_.nodes() >= kNodesMax || cluster_.drives().size() + drives > kDrivesMax) co_return Errc::invalid_request;
  const NodeId id{cluster_.nodes() + 1};
  co_return co_await node.keeper().change([&](server::MapChange& change) {
    change.add_node({.node = id, .host = "node-" + std::to_string(id.value), .port = 9000}, drives);
  });
}

std::optional<DriveIndex> Operator::some_drive(bool leaving) {
  std::vector<DriveIndex> drives;
  for (const auto& drive : cluster_.map().drives) {
    const bool there = drive.index.value < cluster_.drives().size();
    if (there && drive.leaving == leaving) drives.push_back(drive.index);
  }
  if (drives.empty()) return std::nullopt;
  return drives[random_.below(drives.size())];
}

Task<> Operator::drain(Node& node, bool whole_node, bool undo) {
  const auto drive = some_drive(undo);
  if (!drive) co_return Errc::invalid_request;
  server::Leaving leaving;
  if (whole_node) {
    leaving.node = cluster_.owner(*drive);
  } else {
    leaving.drives.push_back(*drive);
  }
  co_return co_await server::drain(node.keeper(), std::move(leaving), undo);
}

boost::asio::awaitable<void> Operator::retire_what_is_empty(Node& node) {
  const auto map = cluster_.map();
  for (const auto& record : map.nodes) {
    if (!record.leaving || record.retired) continue;
    server::Leaving leaving;
    leaving.node = record.node;
    const auto done = co_await server::retire(node.metadata(), node.keeper(), std::move(leaving));
    cluster_.outcome.grown += done ? 1 : 0;
  }
  for (const auto& drive : map.drives) {
    if (!drive.leaving || !holds_nothing(map, drive.index)) continue;
    server::Leaving leaving;
    leaving.drives.push_back(drive.index);
    const auto done = co_await server::retire(node.metadata(), node.keeper(), std::move(leaving));
    cluster_.outcome.grown += done ? 1 : 0;
  }
}

bool Operator::finished() const {
  const auto& map = cluster_.map();
  const bool leaves = std::ranges::any_of(map.drives, &metadata::DriveRecord::leaving);
  return !leaves && cluster_.level();
}

boost::asio::awaitable<bool> Operator::finish(std::function<bool()> go_on) {
  while (!finished() && go_on()) {
    co_await cluster_.follow_map();
    if (Node* const node = cluster_.any_node(random_)) co_await retire_what_is_empty(*node);
    co_await cluster_.follow_map();
    co_await sleep(1s);
  }
  co_return finished();
}

}  // namespace firn::simulation
