// What MapChange does when a cluster grows, shrinks, or moves shards.
#include <algorithm>

#include "map_change.h"

namespace firn::server {
namespace {

metadata::MoveRecord* find_move(metadata::SetRecord& set, std::uint8_t shard) {
  const auto found = std::ranges::find(set.moves, shard, &metadata::MoveRecord::shard);
  return found == set.moves.end() ? nullptr : &*found;
}

/// In place of the identity of a drive that nothing is expected of any more: what an earlier epoch's writer left there
/// counts as missing.
constexpr Uuid kNobody{};

/// The index after all that were ever given.
std::uint32_t next_drive(const metadata::MapRecord& map) {
  std::uint32_t next = map.next_drive;
  for (const auto& drive : map.drives) next = std::max(next, drive.index.value + 1U);
  return next;
}

}  // namespace

metadata::SetRecord* MapChange::find(SetId set) {
  return const_cast<metadata::SetRecord*>(find_set(map_, set));  // Of a map of its own.
}

metadata::NodeRecord& MapChange::node_record(NodeId node) {
  const auto found = std::ranges::find(map_.nodes, node, &metadata::NodeRecord::node);
  return found == map_.nodes.end() ? map_.nodes.emplace_back(metadata::NodeRecord{.node = node, .host = {}}) : *found;
}

void MapChange::begin_move(SetId id, std::uint8_t shard, DriveIndex to) {
  auto* set = find(id);
  const auto* target = find(to);
  if (set == nullptr || target == nullptr || shard >= set->members.size()) return;
  const auto* source = find(set->members[shard]);
  auto* move = find_move(*set, shard);
  if (source == nullptr || source->index == to || target->out || (move != nullptr && !move->done)) return;
  const metadata::MoveRecord record{shard, source->index, source->uuid, false};
  if (move == nullptr) {
    set->moves.push_back(record);
  } else {
    *move = record;
  }
  set->members[shard] = to;
  ++set->epoch.value;
  map_changed_ = true;
}

void MapChange::finish_move(SetId id, std::uint8_t shard, DriveIndex to) {
  auto* set = find(id);
  auto* move = set == nullptr ? nullptr : find_move(*set, shard);
  if (move == nullptr || move->done || set->members[shard] != to) return;
  move->done = true;
  map_changed_ = true;
}

void MapChange::begin_give_up(SetId id, std::uint8_t shard, DriveIndex to) {
  auto* set = find(id);
  const auto* target = find(to);
  if (set == nullptr || target == nullptr || target->out || shard >= set->members.size()) return;
  auto* move = find_move(*set, shard);
  if (set->members[shard] == to && (move == nullptr || move->done || move->from_uuid == kNobody)) return;
  const DriveIndex from = set->members[shard] == to ? move->from : set->members[shard];
  const metadata::MoveRecord record{shard, from, kNobody, false};
  if (move == nullptr) {
    set->moves.push_back(record);
  } else {
    *move = record;
  }
  set->members[shard] = to;
  ++set->epoch.value;
  map_changed_ = true;
}

void MapChange::end_give_up(SetId id, std::uint8_t shard, DriveIndex to) {
  auto* set = find(id);
  const auto* move = set == nullptr ? nullptr : find_move(*set, shard);
  const bool begun = move != nullptr && !move->done && move->from_uuid == kNobody && set->members[shard] == to;
  if (!begun) return;  // Somebody else has gone on with it.
  std::erase_if(set->moves, [shard](const auto& each) { return each.shard == shard; });
  map_changed_ = true;
}

void MapChange::set_leaving(DriveIndex drive, bool leaving) {
  auto* record = find(drive);
  if (record == nullptr || record->leaving == leaving) return;
  record->leaving = leaving;
  map_changed_ = true;
}

void MapChange::add_sets(std::size_t count) {
  std::vector<PlacementDrive> drives;
  for (const auto& drive : map_.drives) {
    if (!drive.leaving && drive.uuid != Uuid{}) drives.push_back({drive.index, drive.domain});
  }
  if (count == 0 || map_.sets.empty() || drives.empty()) return;
  append_sets(drives, count, false);
  map_changed_ = true;
}

void MapChange::add_node(const metadata::NodeRecord& node, std::size_t drives) {
  auto& record = node_record(node.node);
  if (record.retired) return;
  record.host = node.host;
  record.port = node.port;
  map_changed_ = true;
  if (!drives_of_node(map_, node.node).empty()) return;
  for (std::size_t i = 0; i < drives; ++i) add_drive(node.node);
}

DriveIndex MapChange::add_drive(NodeId node) {
  map_.next_drive = next_drive(map_);
  const DriveIndex index{static_cast<std::uint16_t>(map_.next_drive++)};
  map_.drives.push_back({.index = index, .uuid = {}, .domain = domain_of(node), .out = true});
  map_changed_ = true;
  return index;
}

void MapChange::set_node_leaving(NodeId node, bool leaving) {
  auto& record = node_record(node);
  map_changed_ |= record.leaving != leaving;
  record.leaving = leaving;
  for (const auto drive : drives_of_node(map_, node)) set_leaving(drive, leaving);
}

void MapChange::retire_node(NodeId node) {
  const auto drives = drives_of_node(map_, node);
  for (const auto drive : drives) {
    if (places_on(map_, drive) > 0) return;
  }
  for (const auto drive : drives) retire_drive(drive);
  auto& record = node_record(node);
  map_changed_ |= !record.retired;
  record.retired = true;
}

void MapChange::retire_drive(DriveIndex drive) {
  if (find(drive) == nullptr || places_on(map_, drive) > 0) return;
  map_.next_drive = next_drive(map_);
  std::erase_if(map_.drives, [drive](const auto& record) { return record.index == drive; });
  map_changed_ = true;
}

}  // namespace firn::server
