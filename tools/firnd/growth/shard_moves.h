#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "firn/base/gate.h"
#include "firn/base/runtime.h"
#include "firn/metadata/client.h"
#include "firn/objects/maintenance.h"
#include "growth/growth.h"
#include "map_keeper.h"

namespace firn::server {

/// The configuration entry that says that shards are on their way to the drive, which is swept when they are there.
std::string receiving_entry(DriveIndex drive);

/// What the node that leads does so that drives become as full as each other, and those that leave become empty: it
/// begins moves, gives up those that can't end, and has drives swept that shards have come to. Moving them is each
/// node's Mover's.
///
/// Threads: io thread 0.
/// Durability: all of it is in the map and in configuration entries, so whoever leads next goes on.
class ShardMoves {
 public:
  struct Parts {
    Runtime& runtime;
    metadata::Client& metadata;
    MapKeeper& keeper;
    /// What runs while this node leads; null when it does not.
    std::function<objects::Maintenance*()> maintenance;
  };
  explicit ShardMoves(Parts parts) : parts_(std::move(parts)), gate_(parts_.runtime.io(0).get_executor()) {}

  /// This node leads from now on: what another did meanwhile is not known here.
  void begin() { receiving_known_ = false; }
  /// One look at the map, and what it asks for. While this node leads.
  boost::asio::awaitable<void> look();
  boost::asio::awaitable<void> stop() { return gate_.close(); }

 private:
  Task<> recall_receivers();
  Task<> move_shards();
  Task<> note_receivers(const std::vector<PlannedMove>& moves);
  boost::asio::awaitable<void> give_up(std::vector<PlannedMove> moves);
  Task<> give_up(const PlannedMove& move);
  Task<> sweep_receivers();
  Task<> sweep_receiver(DriveIndex drive);

  const Parts parts_;
  Gate gate_;
  std::uint64_t level_version_ = 0;  // Of the last map with nothing to begin.
  std::set<DriveIndex> receiving_;   // With an entry: to be swept once nothing is on its way to them.
  bool receiving_known_ = false;
  bool giving_up_ = false;
};

}  // namespace firn::server
