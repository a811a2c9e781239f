#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "firn/metadata/transport.h"
#include "log/raft_log.h"
#include "server/local_node.h"
#include "server/membership.h"
#include "server/state_snapshot.h"

namespace firn::metadata {

/// The metadata tier of one node of a cluster: the same state and drives, behind a log the nodes agree on.
///
/// Threads: beside those of LocalNode, Raft's three, and one that makes and fetches snapshots.
class ClusterNode final : public LocalNode, public RaftEndpoint {
 public:
  ClusterNode(Runtime& runtime, ClusterOptions options, Events events);
  ~ClusterNode() override;

  bool is_leader() const override;
  NodeId leader() const override;
  std::vector<Member> members() const override;
  Task<> change_members(MemberChange change, NodeId node) override;
  Task<> transfer_leadership(NodeId to) override;
  void stop() override;

  void receive(NodeId from, std::string message) override;
  void unreachable(NodeId to) override;
  Result<std::shared_ptr<SnapshotSource>> open_snapshot(std::string_view name) override;

 protected:
  bool is_cluster() const override { return true; }
  Result<> prepare_log(const std::vector<LogSet::Drive>& members) override;
  Result<> open_log(const std::vector<LogSet::Drive>& members) override;
  void start() override;
  void batch_applied() override;

 private:
  RaftLog& log() const { return static_cast<RaftLog&>(*log_); }
  RaftLog::Options log_options();
  RaftLog::Events log_events();
  Result<> begin_log();

  // On Raft's threads.
  void on_tick();
  void ask_to_join();
  void refuse_snapshot(NodeId leader);
  bool install(std::uint64_t index);
  Result<> replace_state(std::uint64_t index);
  void leader_became(NodeId leader);

  void send(NodeId to, char kind, std::string_view payload);
  /// On a thread that may block, one after another.
  void later(std::function<void()> work);
  void work();
  void make_snapshot();
  void fetch_snapshot(std::uint64_t from, const std::string& name);
  Result<> fetch_files(NodeId from, const std::string& name);
  void let_snapshot_go();
  void drop_snapshots();
  std::optional<FirnRaftMember> find_member(NodeId node) const;
  std::uint64_t closest_voter() const;
  Task<> pause(std::chrono::milliseconds time);
  void hand_over();

  const ClusterOptions cluster_;
  MembershipKeeper keeper_;
  std::uint64_t ticks_ = 0;
  std::atomic<bool> attached_{false};

  std::mutex mutex_;  ///< Guards what follows.
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
  bool worker_stops_ = false;
  std::shared_ptr<StateSnapshot> snapshot_;  ///< What followers may fetch.
  std::chrono::steady_clock::time_point snapshot_used_;
  std::vector<DriveIndex> fetched_to_;  ///< Drives that have the snapshot fetched last.
  std::thread worker_;
};

}  // namespace firn::metadata
