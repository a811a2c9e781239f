#include <limits>

#include "rows/proto_codec.h"

namespace firn::metadata {
namespace {

constexpr std::uint32_t kDriveMax = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint32_t kShardsMax = std::numeric_limits<std::uint8_t>::max();

bool from_number(std::uint32_t number, DriveIndex& drive) {
  drive.value = static_cast<std::uint16_t>(number);
  return number <= kDriveMax;
}

void to_proto(const DriveRecord& drive, proto::DriveRow& row) {
  row.set_index(drive.index.value);
  row.set_uuid(to_bytes(drive.uuid));
  row.set_domain(drive.domain);
  row.set_out(drive.out);
  row.set_leaving(drive.leaving);
  row.set_closing(drive.closing);
}

bool from_proto(const proto::DriveRow& row, DriveRecord& drive) {
  drive.domain = row.domain();
  drive.out = row.out();
  drive.leaving = row.leaving();
  drive.closing = row.closing();
  return from_number(row.index(), drive.index) && from_bytes(row.uuid(), drive.uuid);
}

void to_proto(const MoveRecord& move, proto::MoveRow& row) {
  row.set_shard(move.shard);
  row.set_from(move.from.value);
  row.set_from_uuid(to_bytes(move.from_uuid));
  row.set_done(move.done);
}

bool from_proto(const proto::MoveRow& row, MoveRecord& move) {
  move.shard = static_cast<std::uint8_t>(row.shard());
  move.done = row.done();
  return row.shard() < kShardsMax && from_number(row.from(), move.from) && from_bytes(row.from_uuid(), move.from_uuid);
}

void to_proto(const SetRecord& set, proto::SetRow& row) {
  row.set_id(set.id.value);
  row.set_epoch(set.epoch.value);
  row.set_data_shards(set.data_shards);
  row.set_parity_shards(set.parity_shards);
  for (const DriveIndex member : set.members) row.add_members(member.value);
  row.set_open(set.open);
  row.set_stopgap(set.stopgap);
  for (const MoveRecord& move : set.moves) to_proto(move, *row.add_moves());
}

bool from_proto(const proto::SetRow& row, SetRecord& set) {
  if (row.data_shards() > kShardsMax || row.parity_shards() > kShardsMax) return false;
  set.id.value = row.id();
  set.epoch.value = row.epoch();
  set.data_shards = static_cast<std::uint8_t>(row.data_shards());
  set.parity_shards = static_cast<std::uint8_t>(row.parity_shards());
  set.open = row.open();
  set.stopgap = row.stopgap();
  for (const std::uint32_t member : row.members()) {
    if (!from_number(member, set.members.emplace_back())) return false;
  }
  for (const proto::MoveRow& move : row.moves()) {
    if (!from_proto(move, set.moves.emplace_back())) return false;
  }
  return true;
}

void to_proto(const NodeRecord& node, proto::NodeRow& row) {
  row.set_node(node.node.value);
  row.set_host(node.host);
  row.set_port(node.port);
  row.set_leaving(node.leaving);
  row.set_retired(node.retired);
}

bool from_proto(const proto::NodeRow& row, NodeRecord& node) {
  node.node.value = row.node();
  node.host = row.host();
  node.port = static_cast<std::uint16_t>(row.port());
  node.leaving = row.leaving();
  node.retired = row.retired();
  return row.port() <= std::numeric_limits<std::uint16_t>::max();
}

}  // namespace

void to_proto(const MapRecord& map, proto::MapRow& out) {
  out.set_version(map.version);
  out.set_cluster(to_bytes(map.cluster));
  for (const DriveRecord& drive : map.drives) to_proto(drive, *out.add_drives());
  for (const SetRecord& set : map.sets) to_proto(set, *out.add_sets());
  for (const NodeRecord& node : map.nodes) to_proto(node, *out.add_nodes());
  out.set_next_drive(map.next_drive);
}

bool from_proto(const proto::MapRow& in, MapRecord& out) {
  out = {.version = in.version()};
  out.next_drive = in.next_drive();
  if (!from_bytes(in.cluster(), out.cluster)) return false;
  for (const proto::DriveRow& row : in.drives()) {
    if (!from_proto(row, out.drives.emplace_back())) return false;
  }
  for (const proto::SetRow& row : in.sets()) {
    if (!from_proto(row, out.sets.emplace_back())) return false;
  }
  for (const proto::NodeRow& row : in.nodes()) {
    if (!from_proto(row, out.nodes.emplace_back())) return false;
  }
  return true;
}

}  // namespace firn::metadata
