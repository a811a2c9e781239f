#include "apply/sets.h"

#include <algorithm>

#include "rows/keys.h"

namespace firn::metadata {

std::optional<SetHistory> holders_of(const MapRecord& map, const SetRecord& set) {
  SetHistory holders;
  for (const DriveIndex member : set.members) {
    const auto drive = std::find_if(map.drives.begin(), map.drives.end(),
                                    [&](const DriveRecord& candidate) { return candidate.index == member; });
    if (drive == map.drives.end()) return std::nullopt;
    holders.members.push_back({member, drive->uuid});
  }
  return holders;
}

Sets::Sets(const MapRecord& map) {
  for (const SetRecord& set : map.sets) {
    if (std::optional<SetHistory> holders = holders_of(map, set))
      sets_[set.id] = {set.epoch, std::move(*holders), set.moves};
  }
}

bool Sets::Now::still_has(std::size_t shard, const SetHistory::Member& then) const {
  if (shard < holders.members.size() && holders.members[shard] == then) return true;
  return std::ranges::any_of(moves, [&](const MoveRecord& move) {
    return move.shard == shard && move.from == then.drive && move.from_uuid == then.uuid;
  });
}

Result<Sets> Sets::load(const Reader& state) {
  const auto map = metadata::load<MapRecord>(state, Family::config, keys::cluster_map());
  if (!map) return map.error();
  return Sets(map->value_or(MapRecord{}));
}

const Sets::Now* Sets::find(SetId set) const {
  const auto found = sets_.find(set);
  return found == sets_.end() ? nullptr : &found->second;
}

}  // namespace firn::metadata
