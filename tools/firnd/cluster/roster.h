#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "firn/base/ids.h"
#include "firn/config/config.h"
#include "firn/metadata/model.h"

namespace firn::server {

/// The nodes of the cluster and where they are: those of the list that this node was given, and those that the map
/// names because they came later. Retired ones are no longer among them.
///
/// Threads: any.
class Roster {
 public:
  explicit Roster(const std::vector<config::Config::Node>& listed);

  struct Change {
    std::vector<NodeId> joined, retired;
  };
  /// What is new by this map. The list's word on an address stands.
  Change learn(const metadata::MapRecord& map);

  std::vector<NodeId> nodes() const;
  std::size_t size() const;
  /// Nothing for a node that is not of the cluster.
  std::optional<config::Config::Node> find(NodeId node) const;
  bool retired(NodeId node) const;

 private:
  mutable std::mutex mutex_;
  std::map<NodeId, config::Config::Node> nodes_;  // Guarded by mutex_.
  std::set<NodeId> retired_;                      // Guarded by mutex_.
};

}  // namespace firn::server
