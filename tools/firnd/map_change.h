#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "firn/erasure/codec.h"
#include "firn/metadata/model.h"
#include "firn/volume/cluster_map.h"
#include "map_lookup.h"
#include "placement.h"

namespace firn::server {

/// The recorded map in the volume tier's words.
volume::ClusterMap to_cluster_map(const metadata::MapRecord& record);

/// The map of a first start: each drive a failure domain of its own; as many sets as drives, each beginning one drive
/// further, so that all drives carry the same; one set when there are just k+m drives.
metadata::MapRecord first_map(const Uuid& cluster, const std::vector<Uuid>& drives, erasure::Shape shape);

/// How many sets a cluster of so many drives should have.
std::size_t sets_for(std::size_t drives);
/// Sets with a place on the drive, or one that still moves from it.
std::size_t places_on(const metadata::MapRecord& map, DriveIndex drive);

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
  /// Sets with this drive take no new extents, as long as there are or can be others; what is being written goes on.
  void set_closing(DriveIndex drive, bool closing);
  /// Another drive in its place, empty: out until what it owes has been rebuilt.
  void replace(DriveIndex drive, const Uuid& uuid);

  /// The shard's place moves to another drive: it takes appends from now on, and both are read.
  void begin_move(SetId set, std::uint8_t shard, DriveIndex to);
  /// `to` holds all that the drive before it had.
  void finish_move(SetId set, std::uint8_t shard, DriveIndex to);
  /// Another drive in place of one that is out and does not return. From now on no commit counts on what that one
  /// holds; the set stays short of it until what it owes is on the list, and `end_give_up`.
  void begin_give_up(SetId set, std::uint8_t shard, DriveIndex to);
  void end_give_up(SetId set, std::uint8_t shard, DriveIndex to);
  /// Nothing comes to the drive any more, and what it holds is to go.
  void set_leaving(DriveIndex drive, bool leaving);
  /// Sets over all drives that stay, so that a cluster that has grown has enough of them.
  void add_sets(std::size_t count);
  /// A node that asks to be let in, with so many drives.
  void add_node(const metadata::NodeRecord& node, std::size_t drives);
  /// One drive more of a node: its index.
  DriveIndex add_drive(NodeId node);
  void set_node_leaving(NodeId node, bool leaving);
  /// The node and its drives are gone for good. They must hold no place.
  void retire_node(NodeId node);
  /// The same of one drive.
  void retire_drive(DriveIndex drive);

  /// As changed so far.
  const metadata::MapRecord& map() const { return map_; }
  /// The new map, or nothing if all was so already.
  std::optional<metadata::MapRecord> finish();

 private:
  metadata::DriveRecord* find(DriveIndex drive);
  metadata::SetRecord* find(SetId set);
  metadata::NodeRecord& node_record(NodeId node);
  void settle_open_sets();
  bool open_or_form_sets(const std::set<DriveIndex>& without);
  bool open_best_sets(const std::set<DriveIndex>& without);
  bool form_sets(const std::set<DriveIndex>& without);
  void append_sets(const std::vector<PlacementDrive>& drives, std::size_t count, bool stopgap);

  metadata::MapRecord map_;
  std::set<DriveIndex> changed_;
  bool map_changed_ = false;  // What changes no set's epoch.
};

}  // namespace firn::server
