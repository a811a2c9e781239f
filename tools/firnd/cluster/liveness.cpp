#include "cluster/liveness.h"

#include <algorithm>
#include <utility>

#include "map_change.h"

namespace firn::server {
namespace {

/// Whether the node says of the drive in this place that it is well, and it is the one the map means.
bool has_well(const Hello& hello, const metadata::DriveRecord& record) {
  return std::any_of(hello.drives.begin(), hello.drives.end(), [&](const Hello::Drive& drive) {
    return drive.index == record.index && drive.uuid == record.uuid && drive.well;
  });
}

}  // namespace

Liveness::Liveness(std::uint32_t nodes) {
  for (std::uint32_t node = 1; node <= nodes; ++node) nodes_[NodeId{node}];
}

void Liveness::know(const std::vector<NodeId>& nodes, Time now) {
  for (const NodeId node : nodes) nodes_.try_emplace(node, Seen{now, std::nullopt, false});
  std::erase_if(nodes_, [&nodes](const auto& entry) { return std::ranges::find(nodes, entry.first) == nodes.end(); });
}

void Liveness::begin(Time now) {
  for (auto& [node, seen] : nodes_) seen.well_at = now;
}

void Liveness::heard(Hello hello, Time now) {
  const auto found = nodes_.find(hello.node);
  if (found == nodes_.end() || !hello.serving) return;
  found->second.well_at = now;
  found->second.leaving = hello.leaving;
  found->second.last = std::move(hello);
}

void Liveness::gone(NodeId node) {
  if (const auto found = nodes_.find(node); found != nodes_.end()) found->second.well_at = {};
}

bool Liveness::well(NodeId node, Time now) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && now - found->second.well_at < kSilenceMax;
}

bool Liveness::stays(NodeId node, Time now) const { return well(node, now) && !nodes_.at(node).leaving; }

bool Liveness::may_leave(NodeId node, Time now) const {
  return std::ranges::all_of(nodes_, [&](const auto& each) { return each.first == node || stays(each.first, now); });
}

Liveness::Changes Liveness::changes(const metadata::MapRecord& map, Time now) const {
  Changes changes;
  for (const auto& drive : map.drives) {
    const NodeId node = node_of(drive.domain);
    const auto found = nodes_.find(node);
    if (found == nodes_.end()) continue;  // Not of this node's list: another may know better.
    const auto& last = found->second.last;
    const bool heard = well(node, now);
    if (heard && !last) continue;  // Not heard since this node leads, but for no long time either.
    if (heard && found->second.leaving) {
      if (!drive.out && may_leave(node, now)) changes.out.push_back(drive.index);
      continue;
    }
    const bool in = heard && has_well(*last, drive);
    if (in && drive.out) changes.in.push_back(drive.index);
    if (!in && !drive.out) changes.out.push_back(drive.index);
  }
  return changes;
}

LeaseId Liveness::first_open_lease() const {
  std::optional<LeaseId> first;
  for (const auto& [node, seen] : nodes_) {
    if (!seen.last) return LeaseId{0};
    first = std::min(first.value_or(seen.last->first_open_lease), seen.last->first_open_lease);
  }
  return first.value_or(LeaseId{0});
}

}  // namespace firn::server
