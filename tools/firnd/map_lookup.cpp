#include "map_lookup.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

namespace firn::server {
namespace {

constexpr std::string_view kNodePrefix = "node-";

}  // namespace

std::string domain_of(NodeId node) { return std::string(kNodePrefix) + std::to_string(node.value); }

NodeId node_of(const std::string& domain) {
  NodeId node;
  if (!domain.starts_with(kNodePrefix)) return node;
  std::from_chars(domain.data() + kNodePrefix.size(), domain.data() + domain.size(), node.value);
  return node;
}

const metadata::DriveRecord* find_drive(const metadata::MapRecord& map, DriveIndex drive) {
  const auto found = std::ranges::find(map.drives, drive, &metadata::DriveRecord::index);
  return found == map.drives.end() ? nullptr : &*found;
}

const metadata::SetRecord* find_set(const metadata::MapRecord& map, SetId set) {
  const auto found = std::ranges::find(map.sets, set, &metadata::SetRecord::id);
  return found == map.sets.end() ? nullptr : &*found;
}

bool is_in(const metadata::MapRecord& map, DriveIndex drive) {
  const auto* found = find_drive(map, drive);
  return found != nullptr && !found->out;
}

NodeId owner_of(const metadata::MapRecord& map, DriveIndex drive) {
  const auto* found = find_drive(map, drive);
  return found == nullptr ? NodeId{} : node_of(found->domain);
}

std::vector<DriveIndex> drives_of_node(const metadata::MapRecord& map, NodeId node) {
  std::vector<DriveIndex> drives;
  for (const auto& drive : map.drives) {
    if (node_of(drive.domain) == node) drives.push_back(drive.index);
  }
  return drives;
}

bool has_drives_in(const metadata::MapRecord& map, NodeId node) {
  return std::ranges::any_of(map.drives,
                             [node](const auto& drive) { return !drive.out && node_of(drive.domain) == node; });
}

bool spans_nodes(const metadata::MapRecord& map) {
  return std::ranges::any_of(map.drives, [](const auto& drive) { return node_of(drive.domain).value != 0; });
}

std::uint64_t seed_of(const Uuid& cluster) {
  std::uint64_t seed = 0;
  std::memcpy(&seed, cluster.bytes.data(), sizeof seed);
  return seed;
}

}  // namespace firn::server
