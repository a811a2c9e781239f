#pragma once

#include <memory>
#include <string>
#include <vector>

#include "clients.h"
#include "history.h"
#include "node.h"

namespace firn::simulation {

/// What a run is made of. Everything else comes from the seed.
struct Scenario {
  std::uint64_t seed = 1;
  std::size_t clients = 3;
  std::size_t operations = 60;  ///< Of each client.
  /// Called after each entry that was applied: what a broken guard would leave.
  std::function<void(metadata::MapState&)> sabotage;
  bool stops = true;        ///< Nodes are stopped as planned, too. Without: seeds of before that was so.
  bool moves = false;       ///< Nodes and drives are added, drained and retired, too.
  bool drives_lie = false;  ///< A sync that was answered may be lost.
};

struct Outcome {
  std::vector<std::string> wrong;  ///< What must not be, in words. Empty: all held.
  std::uint64_t trace = 0;         ///< Of all events, in order.
  std::uint64_t events = 0;
  std::uint64_t entries = 0;
  std::size_t acknowledged = 0;
  std::size_t operations = 0;
  std::uint64_t faults = 0;
  std::uint64_t repaired = 0;
  std::uint64_t removed = 0;  ///< Extents, by one drive each.
  std::uint64_t moved = 0;    ///< Shards of sets, to another drive.
  std::uint64_t given_up = 0;
  std::uint64_t grown = 0;  ///< Nodes and drives that were added, drained or retired.
  double seconds = 0;       ///< Of simulated time.
};

/// Runs one cluster with its clients and faults, heals it, and checks what it has come to. On io thread 0 of `runtime`,
/// with virtual time on.
boost::asio::awaitable<Outcome> simulate(Runtime& runtime, Scenario scenario);

}  // namespace firn::simulation
