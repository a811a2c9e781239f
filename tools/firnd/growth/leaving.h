#pragma once

#include <optional>
#include <string>
#include <vector>

#include "firn/metadata/client.h"
#include "map_keeper.h"

namespace firn::server {

/// The configuration entry with the identity of a node's gateway towards the metadata tier.
std::string gateway_entry(NodeId node);

/// These drives, or all of the node.
struct Leaving {
  std::vector<DriveIndex> drives;
  std::optional<NodeId> node;
};

/// Empties them; with `undo` they take data again. Errc::invalid_request with a message for people. On io thread 0, as
/// the next.
Task<> drain(MapKeeper& keeper, Leaving leaving, bool undo);
/// Drops what was drained from the cluster for good.
Task<> retire(metadata::Client& metadata, MapKeeper& keeper, Leaving leaving);

}  // namespace firn::server
