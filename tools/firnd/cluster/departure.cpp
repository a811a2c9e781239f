#include "cluster/departure.h"

#include <algorithm>

#include "map_lookup.h"

namespace firn::server {
namespace {

bool is_closed(const metadata::MapRecord& map, NodeId node) {
  return std::ranges::all_of(
      map.drives, [node](const auto& drive) { return node_of(drive.domain) != node || drive.out || drive.closing; });
}

bool takes_extents(const metadata::MapRecord& map, NodeId node) {
  const auto drives = drives_of_node(map, node);
  return std::ranges::any_of(map.sets, [&drives](const metadata::SetRecord& set) {
    return set.open && std::ranges::find_first_of(set.members, drives) != set.members.end();
  });
}

bool another_stops(const std::vector<Hello>& hellos, NodeId node) {
  return std::ranges::any_of(
      hellos, [node](const Hello& hello) { return hello.node != node && (hello.closing || hello.leaving); });
}

/// Of every node that has drives in: one that does not answer may be writing.
bool writes_ended(const metadata::MapRecord& map, const std::vector<Hello>& hellos, std::uint64_t version) {
  return std::ranges::all_of(map.drives, [&](const metadata::DriveRecord& drive) {
    if (drive.out) return true;
    const auto said = std::ranges::find(hellos, node_of(drive.domain), &Hello::node);
    return said != hellos.end() && said->writes_since >= version;
  });
}

}  // namespace

bool Departure::may_leave(const metadata::MapRecord& map, const std::vector<Hello>& hellos, Time now) {
  if (!is_closed(map, own_)) {
    closed_.reset();
    return now >= begun_ + kClosingPatience || another_stops(hellos, own_);
  }
  if (takes_extents(map, own_)) return true;  // Nothing can be written elsewhere.
  if (!closed_) closed_ = Closed{map.version, now};
  return now >= closed_->at + kWritesPatience || writes_ended(map, hellos, closed_->version);
}

}  // namespace firn::server
