#include "map_change.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

#include "firn/base/assert.h"
#include "placement.h"

namespace firn::server {
namespace {

/// So that a drive that is lost is rebuilt from, and to, nearly all others.
constexpr std::size_t kClusterSetsMin = 64;
constexpr std::size_t kClusterSetsPerDrive = 4;

std::string domain_of(DriveIndex drive) { return "drive-" + std::to_string(drive.value + 1); }

bool has_member(const metadata::SetRecord& set, DriveIndex drive) {
  return std::find(set.members.begin(), set.members.end(), drive) != set.members.end();
}

std::vector<PlacementDrive> living_drives(const std::vector<metadata::DriveRecord>& drives) {
  std::vector<PlacementDrive> living;
  for (const auto& drive : drives) {
    if (!drive.out && !drive.leaving) living.push_back({drive.index, drive.domain});
  }
  return living;
}

std::size_t count_domains(const std::vector<PlacementDrive>& drives) {
  std::set<std::string_view> domains;
  for (const auto& drive : drives) domains.insert(drive.domain);
  return domains.size();
}

/// Over how many domains and drives a set is spread.
struct Width {
  std::size_t domains = SIZE_MAX;
  std::size_t drives = SIZE_MAX;
};

Width width_of(const volume::ClusterMap& map, const volume::StripeSet& set) {
  std::set<std::string_view> domains;
  for (const auto member : set.members) domains.insert(map.drives.find(member)->second.domain);
  return {domains.size(), std::set<DriveIndex>(set.members.begin(), set.members.end()).size()};
}

Width common_width(const metadata::MapRecord& record, const volume::ClusterMap& map) {
  Width common;
  for (const auto& set : record.sets) {
    if (set.stopgap) continue;
    const Width width = width_of(map, *map.find_set(set.id));
    common = {std::min(common.domains, width.domains), std::min(common.drives, width.drives)};
  }
  return common;
}

volume::StripeSet to_stripe_set(const metadata::SetRecord& set) {
  volume::StripeSet stripe{set.id, set.epoch, {set.data_shards, set.parity_shards}, set.members, set.open};
  for (const auto& move : set.moves) stripe.moves.push_back({move.shard, move.from, move.from_uuid, move.done});
  return stripe;
}

}  // namespace

std::size_t sets_for(std::size_t drives) { return std::max(kClusterSetsMin, kClusterSetsPerDrive * drives); }

std::size_t places_on(const metadata::MapRecord& map, DriveIndex drive) {
  return static_cast<std::size_t>(std::count_if(map.sets.begin(), map.sets.end(), [drive](const auto& set) {
    return has_member(set, drive) || std::any_of(set.moves.begin(), set.moves.end(), [drive](const auto& move) {
             return !move.done && move.from == drive;
           });
  }));
}

volume::ClusterMap to_cluster_map(const metadata::MapRecord& record) {
  volume::ClusterMap map{.version = record.version, .cluster = record.cluster};
  for (const auto& drive : record.drives) {
    const auto state = drive.out ? volume::DriveState::out : volume::DriveState::in;
    map.drives.emplace(drive.index, volume::DriveEntry{drive.index, drive.uuid, drive.domain, state});
  }
  for (const auto& set : record.sets) map.sets.emplace(set.id, to_stripe_set(set));
  return map;
}

metadata::MapRecord first_map(const Uuid& cluster, const std::vector<Uuid>& drives, erasure::Shape shape) {
  FIRN_ASSERT(shape.total() <= drives.size());
  metadata::MapRecord map{.version = 1, .cluster = cluster};
  const auto count = static_cast<std::uint16_t>(drives.size());
  for (std::uint16_t i = 0; i < count; ++i) {
    map.drives.push_back({DriveIndex{i}, drives[i], domain_of(DriveIndex{i}), false});
  }
  const std::uint16_t sets = shape.total() == count ? 1 : count;
  for (std::uint16_t first = 0; first < sets; ++first) {
    metadata::SetRecord set{SetId{first + 1U}, SetEpoch{1}, shape.data, shape.parity, {}, true};
    for (std::uint16_t shard = 0; shard < shape.total(); ++shard) {
      set.members.push_back(DriveIndex{static_cast<std::uint16_t>((first + shard) % count)});
    }
    map.sets.push_back(std::move(set));
  }
  return map;
}

metadata::MapRecord first_map(const Uuid& cluster, std::vector<metadata::DriveRecord> drives, erasure::Shape shape) {
  metadata::MapRecord map{.version = 1, .cluster = cluster, .drives = std::move(drives)};
  SetId id{0};
  for (auto& members : place_sets(living_drives(map.drives), shape, sets_for(map.drives.size()), seed_of(cluster))) {
    ++id.value;
    map.sets.push_back({id, SetEpoch{1}, shape.data, shape.parity, std::move(members), true});
  }
  return map;
}

metadata::DriveRecord* MapChange::find(DriveIndex drive) {
  return const_cast<metadata::DriveRecord*>(find_drive(map_, drive));  // Of a map of its own.
}

void MapChange::put_out(DriveIndex drive) {
  auto* record = find(drive);
  if (record == nullptr || record->out) return;
  record->out = true;
  record->closing = false;
  changed_.insert(drive);
}

void MapChange::put_in(DriveIndex drive) {
  auto* record = find(drive);
  if (record == nullptr || !record->out) return;
  record->out = false;
  changed_.insert(drive);
}

void MapChange::set_closing(DriveIndex drive, bool closing) {
  auto* record = find(drive);
  if (record == nullptr || record->out || record->closing == closing) return;
  record->closing = closing;
  map_changed_ = true;
}

void MapChange::replace(DriveIndex drive, const Uuid& uuid) {
  auto* record = find(drive);
  if (record == nullptr || record->uuid == uuid) return;
  record->uuid = uuid;
  record->out = true;
  record->closing = false;
  for (auto& set : map_.sets) {
    for (auto& move : set.moves) {
      // What its predecessor took is not here: a commit that counts on it must say that it is missing.
      if (!move.done && move.from == drive) move.from_uuid = uuid;
    }
  }
  changed_.insert(drive);
}

std::optional<metadata::MapRecord> MapChange::finish() {
  if (changed_.empty() && !map_changed_) return std::nullopt;
  ++map_.version;
  for (auto& set : map_.sets) {
    const bool touched =
        std::any_of(changed_.begin(), changed_.end(), [&](auto drive) { return has_member(set, drive); });
    if (touched) ++set.epoch.value;
  }
  settle_open_sets();
  return map_;
}

void MapChange::settle_open_sets() {
  std::set<DriveIndex> closing;
  for (const auto& drive : map_.drives) {
    if (drive.closing) closing.insert(drive.index);
  }
  if (!open_or_form_sets(closing) && !closing.empty()) open_or_form_sets({});
}

bool MapChange::open_or_form_sets(const std::set<DriveIndex>& without) {
  return open_best_sets(without) || (form_sets(without) && open_best_sets(without));
}

bool MapChange::open_best_sets(const std::set<DriveIndex>& without) {
  // Width first: an extent on a set of four drives bears the loss of fewer of them for ever, one that lacks a shard on
  // a set of six only until repair. The same of nodes, before drives.
  struct Rank {
    std::size_t domains = 0;
    std::size_t drives = 0;
    int shards_in = 0;
    auto operator<=>(const Rank&) const = default;
  };
  const auto map = to_cluster_map(map_);
  // Beyond what all have that were not formed in need, width is no merit: in a cluster that grows the first few sets
  // that have moved would take all writes.
  const Width common = common_width(map_, map);
  const auto rank = [&](const metadata::SetRecord& record) -> std::optional<Rank> {
    if (std::ranges::any_of(record.members, [&](auto member) { return without.contains(member); })) return std::nullopt;
    const auto& set = *map.find_set(record.id);
    const auto quorum = write_quorum(map, set);
    if (!quorum.reachable()) return std::nullopt;
    const Width width = width_of(map, set);
    return Rank{std::min(width.domains, common.domains), std::min(width.drives, common.drives),
                std::popcount(quorum.available)};
  };
  std::optional<Rank> best;
  for (const auto& set : map_.sets) best = std::max(best, rank(set));
  for (auto& set : map_.sets) set.open = best && rank(set) == best;
  return best.has_value();
}

bool MapChange::form_sets(const std::set<DriveIndex>& without) {
  if (map_.sets.empty()) return false;
  const auto& model = map_.sets.front();
  const erasure::Shape shape{model.data_shards, model.parity_shards};
  auto living = living_drives(map_.drives);
  std::erase_if(living, [&](const auto& drive) { return without.contains(drive.index); });
  if (!domains_suffice(count_domains(living), shape)) return false;
  append_sets(living, spans_nodes(map_) ? sets_for(living.size()) : 1, true);
  return true;
}

void MapChange::append_sets(const std::vector<PlacementDrive>& drives, std::size_t count, bool stopgap) {
  const erasure::Shape shape{map_.sets.front().data_shards, map_.sets.front().parity_shards};
  SetId last{0};
  SetEpoch epoch{1};
  for (const auto& other : map_.sets) {
    last = std::max(last, other.id);
    // After a restore the drives may know a set of this number, and its epochs, from a map that was lost.
    epoch = std::max(epoch, other.epoch);
  }
  for (auto& members : place_sets(drives, shape, count, seed_of(map_.cluster) + last.value)) {
    ++last.value;
    map_.sets.push_back({last, epoch, shape.data, shape.parity, std::move(members), true, stopgap});
  }
}

}  // namespace firn::server
