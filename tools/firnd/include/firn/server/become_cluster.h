#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/config/config.h"

namespace firn::server {

struct BecameNode {
  Uuid cluster;
  NodeId node;
  std::size_t nodes = 0, drives = 0;
};

/// Makes a single machine, all of whose drives are named and whose firnd does not run, the first node of the cluster
/// that `config` describes: what it would be started with. Objects, buckets, uploads and settings stay, as do the ids
/// of the cluster, of its drives and sets. The other nodes, which must be new, join it when it starts.
///
/// Errc::invalid_argument with a message for people, and nothing changed, when the list has too few nodes for the
/// erasure coding, a drive is not there or out, or the drives are no single machine's.
///
/// Threads: from the main thread, with no runtime of its own yet. Durability: done and synced when it returns; one that
/// was cut short has changed nothing, or is finished by the same call or by the node's start.
Result<BecameNode> become_cluster(config::Config config);

/// The way back, until the node has started. One that was cut short is begun again.
Result<> remain_single(const std::vector<std::filesystem::path>& drives);

}  // namespace firn::server
