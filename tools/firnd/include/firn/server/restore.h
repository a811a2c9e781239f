#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/erasure/codec.h"

namespace firn::server {

struct Restored {
  Uuid cluster;
  erasure::Shape shape;
  std::size_t drives = 0;
  std::size_t formatted = 0;  ///< Of these: were empty.
  NodeId node;                ///< Of a cluster; else 0.
};

/// Gives drives whose metadata is gone the metadata of a backup. All drives of the machine must be named, and of a
/// cluster those of one node, which the others join when it starts; `node` says which it is where the drives don't.
/// firnd must not run on them. An empty directory becomes a drive of the cluster, which holds no objects' data.
///
/// Errc::invalid_argument with a message for people, and nothing changed, when a directory holds metadata, belongs to
/// another cluster than the backup or holds something else, and when the backup is damaged.
///
/// Threads: from the main thread, with no runtime of its own yet. Durability: done and synced when it returns; one that
/// was cut short is begun again.
Result<Restored> restore_metadata(const std::vector<std::filesystem::path>& drives, const std::filesystem::path& backup,
                                  NodeId node = {});

}  // namespace firn::server
