#pragma once

#include <optional>

#include "cluster.h"

namespace firn::simulation {

/// What goes wrong, one thing after another and several at once. What destroys shards for good (a drive replaced by an
/// empty one, a wiped node, a flipped bit) comes only while nothing else is short of a shard, so that no more than m
/// are ever lost.
class Faults {
 public:
  Faults(Cluster& cluster, Random random, bool stops) : cluster_(cluster), random_(random), stops_(stops) {}

  /// Until `ended`.
  boost::asio::awaitable<void> run(const bool& ended);
  /// Ends every fault that does not end by itself. What was flipped is still to be found: by reading every extent.
  boost::asio::awaitable<void> heal();
  /// Puts an empty drive in the place of one that broke. False when nothing is left to rebuild it from.
  boost::asio::awaitable<bool> replace_broken();
  std::uint64_t count() const { return count_; }

 private:
  boost::asio::awaitable<void> strike();
  boost::asio::awaitable<void> kill_one();
  boost::asio::awaitable<void> stop_one();
  boost::asio::awaitable<void> cut_the_power();
  boost::asio::awaitable<void> partition();
  boost::asio::awaitable<void> lose_messages();
  boost::asio::awaitable<void> trouble_a_drive();
  boost::asio::awaitable<void> replace_drives(bool all_of_node);
  void flip();
  NodeId some_node() { return NodeId{static_cast<std::uint32_t>(random_.between(1, cluster_.nodes()))}; }
  Drive& some_drive() { return *cluster_.drives()[random_.below(cluster_.drives().size())].drive; }
  boost::asio::awaitable<void> last(std::uint64_t most_ms);

  Cluster& cluster_;
  Random random_;
  const bool stops_;
  std::uint64_t count_ = 0;
  std::optional<DriveIndex> broken_;
  bool flipped_ = false;
};

}  // namespace firn::simulation
