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

bool Liveness::stops(const Seen& seen) { return seen.last && (seen.last->leaving || seen.last->closing); }

Liveness::Liveness(std::uint32_t nodes) {
  for (std::uint32_t node = 1; node <= nodes; ++node) nodes_[NodeId{node}];
}

void Liveness::know(const std::vector<NodeId>& nodes, Time now) {
  for (const NodeId node : nodes) nodes_.try_emplace(node, Seen{now, now, std::nullopt});
  std::erase_if(nodes_, [&nodes](const auto& entry) { return std::ranges::find(nodes, entry.first) == nodes.end(); });
}

void Liveness::begin(Time now) {
  for (auto& [node, seen] : nodes_) seen.well_at = seen.well_since = now;
}

void Liveness::heard(Hello hello, Time now) {
  const auto found = nodes_.find(hello.node);
  if (found == nodes_.end() || !hello.serving) return;
  const bool returns = !well(hello.node, now) || (stops(found->second) && !hello.leaving && !hello.closing);
  if (returns) found->second.well_since = now;
  found->second.well_at = now;
  found->second.last = std::move(hello);
}

void Liveness::gone(NodeId node) {
  if (const auto found = nodes_.find(node); found != nodes_.end()) found->second.well_at = {};
}

bool Liveness::well(NodeId node, Time now) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && now - found->second.well_at < kSilenceMax;
}

bool Liveness::stays(NodeId node, Time now) const { return well(node, now) && !stops(nodes_.at(node)); }

bool Liveness::may_leave(NodeId node, Time now) const {
  return std::ranges::all_of(nodes_, [&](const auto& each) { return each.first == node || stays(each.first, now); });
}

bool Liveness::may_close(NodeId node, Time now) const {
  return std::ranges::none_of(
      nodes_, [&](const auto& each) { return each.first != node && well(each.first, now) && stops(each.second); });
}

bool Liveness::may_return(NodeId node, Time now) const {
  return now - nodes_.at(node).well_since >= kReachPatience || std::ranges::none_of(nodes_, [&](const auto& each) {
           return well(each.first, now) && each.second.last &&
                  std::ranges::count(each.second.last->unreached, node) > 0;
         });
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
    if (heard && last->leaving) {
      if (!drive.out && may_leave(node, now)) changes.out.push_back(drive.index);
      continue;
    }
    const bool in = heard && has_well(*last, drive);
    if (in && drive.out && !last->closing && may_return(node, now)) changes.in.push_back(drive.index);
    if (!in && !drive.out) changes.out.push_back(drive.index);
    if (!in || drive.out) continue;
    const bool closing = last->closing && (drive.closing || may_close(node, now));
    if (closing && !drive.closing) changes.closing.push_back(drive.index);
    if (!closing && drive.closing) changes.reopening.push_back(drive.index);
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
