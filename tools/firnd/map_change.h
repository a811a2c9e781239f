#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "firn/erasure/codec.h"
#include "firn/metadata/model.h"
#include "firn/volume/cluster_map.h"

namespace firn::server {

/// The recorded map in the volume tier's words.
volume::ClusterMap to_cluster_map(const metadata::MapRecord& record);

/// The map of a first start: each drive a failure domain of its own; as many sets as drives, each beginning one drive
/// further, so that all drives carry the same; one set when there are just k+m drives.
metadata::MapRecord first_map(const Uuid& cluster, const std::vector<Uuid>& drives, erasure::Shape shape);

/// How a node is named as a failure domain.
std::string domain_of(NodeId node);
/// The node of a domain; 0 where each drive is its own (one machine).
NodeId node_of(const std::string& domain);

/// The map of a cluster that begins: many sets, spread over nodes and then drives. `drives` say whose they are.
metadata::MapRecord first_map(const Uuid& cluster, std::vector<metadata::DriveRecord> drives, erasure::Shape shape);

/// Changes of drives' states, together one new version of the map.
///
/// Each set that has a changed drive gets a higher epoch. Then it is settled which sets take new extents: of those
/// whose quorum can be met, the ones spread over the most domains and drives, with the fewest of them out. When there
/// is none, sets are formed over the domains that are in, the k+m places dealt out evenly, as long as none gets more
/// than m of them: one set over single drives (two of six gone: 2|2|1|1), many over nodes.
class MapChange {
 public:
  explicit MapChange(metadata::MapRecord before) : map_(std::move(before)) {}

  void put_out(DriveIndex drive);
  void put_in(DriveIndex drive);
  /// Another drive in its place, empty: out until what it owes has been rebuilt.
  void replace(DriveIndex drive, const Uuid& uuid);

  /// The new map, or nothing if all was so already.
  std::optional<metadata::MapRecord> finish();

 private:
  metadata::DriveRecord* find(DriveIndex drive);
  void settle_open_sets();
  bool open_best_sets();
  bool form_sets();

  metadata::MapRecord map_;
  std::set<DriveIndex> changed_;
};

}  // namespace firn::server
