#include "firn/volume/cluster_map.h"

#include <algorithm>
#include <bit>
#include <string_view>

namespace firn::volume {

const Move* StripeSet::find_move(std::uint8_t shard) const {
  const auto found = std::ranges::find(moves, shard, &Move::shard);
  return found == moves.end() ? nullptr : &*found;
}

std::optional<DriveIndex> StripeSet::moves_from(std::uint8_t shard) const {
  const Move* move = find_move(shard);
  return move != nullptr && !move->done ? std::optional(move->from) : std::nullopt;
}

const StripeSet* ClusterMap::find_set(SetId id) const {
  const auto found = sets.find(id);
  return found == sets.end() ? nullptr : &found->second;
}

bool ClusterMap::is_in(DriveIndex drive) const {
  const auto found = drives.find(drive);
  return found != drives.end() && found->second.state == DriveState::in;
}

erasure::ShardMask ClusterMap::shards_out(const StripeSet& set) const {
  erasure::ShardMask out = 0;
  for (std::size_t shard = 0; shard < set.members.size(); ++shard) {
    if (!is_in(set.members[shard])) out |= erasure::ShardMask{1} << shard;
  }
  return out;
}

bool WriteQuorum::reachable() const { return required <= static_cast<unsigned>(std::popcount(available)); }

WriteQuorum write_quorum(const ClusterMap& map, const StripeSet& set) {
  WriteQuorum quorum;
  std::map<std::string_view, unsigned> shards_in_domain;
  unsigned most_in_one_domain = 0;
  for (std::size_t shard = 0; shard < set.members.size(); ++shard) {
    if (!map.is_in(set.members[shard])) continue;
    quorum.available |= erasure::ShardMask{1} << shard;
    const std::string_view domain = map.drives.find(set.members[shard])->second.domain;
    most_in_one_domain = std::max(most_in_one_domain, ++shards_in_domain[domain]);
  }
  quorum.required = set.shape.data + most_in_one_domain;
  return quorum;
}

}  // namespace firn::volume
