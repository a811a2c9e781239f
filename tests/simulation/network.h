#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <utility>

#include "firn/base/ids.h"
#include "trace.h"

namespace firn::simulation {

/// What nodes say to each other: late, or lost. Node 0 is whoever watches from outside and is never cut off.
class Network {
 public:
  Network(Random random, Trace& trace) : random_(random), trace_(trace) {}

  /// A message on its way. False when it got lost; whoever waits for an answer waits in vain.
  boost::asio::awaitable<bool> carry(NodeId from, NodeId to);

  bool connected(NodeId from, NodeId to) const {
    return from == to || (!cut_.contains({from, to}) && up(from) && up(to));
  }
  /// One way.
  void cut(NodeId from, NodeId to) { cut_[{from, to}] = true; }
  void heal() {
    cut_.clear();
    loss_ = 0;
  }
  /// So many of 1,000 messages get lost.
  void lose(std::uint64_t per_mille) { loss_ = per_mille; }
  void set_up(NodeId node, bool up) { down_[node] = !up; }
  bool up(NodeId node) const {
    const auto found = down_.find(node);
    return found == down_.end() || !found->second;
  }

 private:
  Random random_;
  Trace& trace_;
  std::map<std::pair<NodeId, NodeId>, bool> cut_;
  std::map<NodeId, bool> down_;
  std::uint64_t loss_ = 0;
};

}  // namespace firn::simulation
