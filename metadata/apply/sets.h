#pragma once

#include <map>
#include <optional>

#include "firn/metadata/model.h"
#include "rows/rows.h"

namespace firn::metadata {

/// What apply needs of the recorded cluster map for every commit, kept decoded.
class Sets {
 public:
  static Result<Sets> load(const Reader& state);
  explicit Sets(const MapRecord& map);

  struct Now {
    SetEpoch epoch;
    SetHistory holders;
    std::vector<MoveRecord> moves = {};
    /// The shard is where it was then: on the same drive, or where that one's records go or went.
    bool still_has(std::size_t shard, const SetHistory::Member& then) const;
  };
  /// Null when there is no such set.
  const Now* find(SetId set) const;

 private:
  std::map<SetId, Now> sets_;
};

/// Who holds the shards of `set` by this map; nothing when it names a drive that the map has not.
std::optional<SetHistory> holders_of(const MapRecord& map, const SetRecord& set);

}  // namespace firn::metadata
