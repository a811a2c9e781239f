#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firn/base/ids.h"
#include "firn/erasure/codec.h"

namespace firn::volume {

/// Whether a drive may be written to, as the metadata tier has recorded it.
enum class DriveState : std::uint8_t {
  in = 0,   ///< Serves reads and takes appends.
  out = 1,  ///< Fenced: writes go without it. Verified reads are still welcome when it answers.
};

struct DriveEntry {
  DriveIndex index;
  Uuid uuid;           ///< Of the drive that holds this place today; a replacement has another.
  std::string domain;  ///< Failure domain: the node; in the embedded default each drive is its own.
  DriveState state = DriveState::in;
};

/// Shard `shard` of a set moves, or has moved, from this drive to the member of today. Extents written before may have
/// records on either until it is done, and after it on the member alone.
struct Move {
  std::uint8_t shard = 0;
  DriveIndex from;
  Uuid from_uuid;
  bool done = false;
};

/// k+m places. Shard i of every extent of the set is on `members[i]`, or still on the drive it moves from; a drive may
/// hold more than one place.
struct StripeSet {
  SetId id;
  SetEpoch epoch;
  erasure::Shape shape;
  std::vector<DriveIndex> members;
  bool open = true;  ///< New extents may be written to it.
  std::vector<Move> moves = {};

  /// The last move of the shard; null when it never moved.
  const Move* find_move(std::uint8_t shard) const;
  /// Of a move under way: where the shard's records may still lie.
  std::optional<DriveIndex> moves_from(std::uint8_t shard) const;
};

/// Drives and stripe sets as of one version. Immutable: a change makes another map with a higher version.
struct ClusterMap {
  std::uint64_t version = 0;
  Uuid cluster;
  std::map<DriveIndex, DriveEntry> drives;
  std::map<SetId, StripeSet> sets;

  const StripeSet* find_set(SetId id) const;
  bool is_in(DriveIndex drive) const;
  /// Shards of the set that lie on drives which are out.
  erasure::ShardMask shards_out(const StripeSet& set) const;
};

/// The fewest shards a write to `set` must have synced: all whose drive is in, and at least k + f, where f is the most
/// shards of the set in one failure domain that is still in. `required > available` means 503.
struct WriteQuorum {
  erasure::ShardMask available = 0;  ///< Shards whose drive is in: every one must be synced.
  unsigned required = 0;
  bool reachable() const;
};
WriteQuorum write_quorum(const ClusterMap& map, const StripeSet& set);

}  // namespace firn::volume
