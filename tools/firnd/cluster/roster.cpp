#include "cluster/roster.h"

namespace firn::server {

Roster::Roster(const std::vector<config::Config::Node>& listed) {
  NodeId node;
  for (const auto& each : listed) {
    ++node.value;
    nodes_.emplace(node, each);
  }
}

Roster::Change Roster::learn(const metadata::MapRecord& map) {
  Change change;
  const std::lock_guard lock(mutex_);
  for (const auto& record : map.nodes) {
    if (record.retired) {
      if (retired_.insert(record.node).second) change.retired.push_back(record.node);
      nodes_.erase(record.node);
      continue;
    }
    if (record.host.empty()) continue;  // One of the beginning.
    config::Config::Node node;
    node.host = record.host;
    node.port = record.port;
    if (nodes_.emplace(record.node, std::move(node)).second) change.joined.push_back(record.node);
  }
  return change;
}

std::vector<NodeId> Roster::nodes() const {
  const std::lock_guard lock(mutex_);
  std::vector<NodeId> all;
  for (const auto& [node, address] : nodes_) all.push_back(node);
  return all;
}

std::size_t Roster::size() const {
  const std::lock_guard lock(mutex_);
  return nodes_.size();
}

std::optional<config::Config::Node> Roster::find(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? std::nullopt : std::optional(found->second);
}

bool Roster::retired(NodeId node) const {
  const std::lock_guard lock(mutex_);
  return retired_.contains(node);
}

}  // namespace firn::server
