#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "cluster/liveness.h"
#include "firn/base/runtime.h"
#include "firn/objects/maintenance.h"
#include "map_keeper.h"

namespace firn::server {

/// What runs once in a cluster, on the node that leads the metadata: it watches the others, records which drives are
/// out and in, and has repair and garbage collection running.
///
/// Threads: io thread 0.
class Leadership {
 public:
  /// Between looks at the other nodes.
  static constexpr std::chrono::milliseconds kWatchPause{500};

  struct Parts {
    Runtime& runtime;
    MapKeeper& keeper;
    std::uint32_t nodes = 0;  ///< Of the beginning.
    /// Where they may change: who is of the cluster now.
    std::function<std::vector<NodeId>()> roster = {};
    /// What else is done after each look at the others.
    std::function<boost::asio::awaitable<void>()> after_look = {};
    std::function<bool()> leads;
    std::function<bool()> closing;
    /// This node's, and those of the others of its cluster that answer.
    std::function<boost::asio::awaitable<std::vector<Hello>>()> hellos;
    /// The other nodes that are known to be gone, if they don't answer. May be empty: then silence alone counts.
    std::function<std::vector<NodeId>()> gone;
    /// Starts it; from now on this node leads.
    std::function<objects::Maintenance*()> begin_maintenance;
    /// It leads no longer.
    std::function<boost::asio::awaitable<void>()> end_maintenance;
  };
  explicit Leadership(Parts parts) : parts_(std::move(parts)), pause_(parts_.runtime.io(0)) {}

  /// Until `closing`. Maintenance may run when it returns.
  boost::asio::awaitable<void> run();
  /// Something has changed about the other nodes, or about who leads: looks at once.
  void wake();
  /// 0 while this node does not lead, or has not heard of them all.
  LeaseId first_open_lease() const { return liveness_ ? liveness_->first_open_lease() : LeaseId{0}; }

 private:
  boost::asio::awaitable<void> follow_leader();
  boost::asio::awaitable<void> watch_nodes(Liveness& liveness);
  Task<> carry_out(const Liveness::Changes& changes);

  const Parts parts_;
  boost::asio::steady_timer pause_;
  bool woken_ = false;
  std::unique_ptr<Liveness> liveness_;  // While this node leads, as is the next.
  objects::Maintenance* maintenance_ = nullptr;
};

}  // namespace firn::server
