#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apply/applier.h"
#include "map_state.h"
#include "network.h"
#include "wakeup.h"

namespace firn::simulation {

/// The log that all nodes agree on, the state that comes of it, and who leads. It stands in for Raft: entries are
/// ordered and never lost once committed; until then they may be dropped, come late, or twice in another order.
///
/// The state is one for all nodes, and what a node reads of it is never older than a barrier allows; that each replica
/// comes to the same is checked by `replay`.
class LogGroup {
 public:
  struct Entry {
    metadata::LogEntry::Kind kind;
    metadata::Origin origin;
    std::string command;
    metadata::Answer answer;
    std::optional<metadata::MapRecord> map;
    std::chrono::nanoseconds at{};
  };
  LogGroup(Network& network, std::uint32_t nodes, Random random, Trace& trace);

  const metadata::MapState& state() const { return state_; }
  metadata::MapState& mutable_state() { return state_; }  ///< To break it.
  /// Of the beginning.
  std::uint32_t nodes() const { return nodes_; }
  /// A node that came later hears of everything, and has a vote once one that had is gone for good.
  void join(NodeId node) { learners_.insert(node); }
  void retire(NodeId node);
  /// Entries 1.. in order.
  const std::vector<Entry>& entries() const { return entries_; }
  std::uint64_t committed() const { return entries_.size(); }
  Signal& changed() { return changed_; }
  /// Called with each index that was applied.
  std::function<void(std::uint64_t)> on_applied;
  /// The state can't be read: nothing is applied any more.
  std::function<void(const Error&)> on_failed;

  NodeId leader() const { return leader_; }
  /// As the node itself believes: one that was deposed may not know it yet.
  bool leads(NodeId node) const;
  bool leader_has_quorum() const { return leader_.value != 0 && has_quorum(leader_); }
  void depose();

  /// On its way to whoever leads then. Nothing says what became of it.
  boost::asio::awaitable<void> carry(metadata::LogEntry::Kind kind, metadata::Origin origin, std::string command);
  /// Deposes leaders that are cut off, and elects others. Until `ended`.
  boost::asio::awaitable<void> hold_elections(const bool& ended);

  /// What a replica comes to that applies the whole log anew, with a restart after `restart_at`.
  Result<metadata::MapState> replay(std::uint64_t restart_at) const;

 private:
  bool has_quorum(NodeId node) const;
  void commit(metadata::LogEntry::Kind kind, metadata::Origin origin, std::string command);

  Network& network_;
  const std::uint32_t nodes_;
  std::vector<NodeId> voters_;
  std::set<NodeId> learners_;
  Random random_;
  Trace& trace_;
  metadata::MapState state_;
  std::optional<metadata::Applier> applier_;
  std::vector<Entry> entries_;
  Signal changed_;
  NodeId leader_;
  bool failed_ = false;
  std::map<NodeId, std::chrono::nanoseconds> believes_until_;
};

}  // namespace firn::simulation
