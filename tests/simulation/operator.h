#pragma once

#include "cluster.h"
#include "growth/leaving.h"

namespace firn::simulation {

/// Whoever adds nodes and drives to the cluster, has others drained, and retires them, amid all else that happens.
class Operator {
 public:
  Operator(Cluster& cluster, Random random) : cluster_(cluster), random_(random) {}

  /// Until `ended`.
  boost::asio::awaitable<void> run(const bool& ended);
  /// What was begun is brought to its end: until all that leaves is retired, and the rest is as full as each other. So
  /// long as `go_on`.
  boost::asio::awaitable<bool> finish(std::function<bool()> go_on);

 private:
  boost::asio::awaitable<void> act(Node& node);
  Task<> add_drive(Node& node);
  Task<> add_node(Node& node);
  Task<> drain(Node& node, bool whole_node, bool undo);
  boost::asio::awaitable<void> retire_what_is_empty(Node& node);
  std::optional<DriveIndex> some_drive(bool leaving);
  bool finished() const;

  Cluster& cluster_;
  Random random_;
};

}  // namespace firn::simulation
