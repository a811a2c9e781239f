#pragma once

#include <firn_raft.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "firn/base/clock.h"
#include "log/drive_log.h"
#include "log/read_barriers.h"

namespace firn::metadata {

/// Where the log of a cluster lies on a drive.
inline std::filesystem::path raft_path(const std::filesystem::path& drive) { return drive / "meta" / "raft"; }

/// The log of a cluster, agreed on by Raft: this node's part, kept on drives of its log set (decision 0006).
///
/// Threads: Raft's own call the events and the sink; see firn_raft.h.
/// Durability: an entry handed to the sink is synced on all drives of the log set of most voters, and of this node.
/// Memory: `queue_count_max` and `queue_bytes_max` of proposals that were not answered yet.
class RaftLog final : public DriveLog {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    std::uint64_t file_bytes = 32 << 20;
    FirnRaftTimes times{.tick_ms = 50, .heartbeat_ticks = 2, .election_ticks = 12};
    /// How long a proposal or a barrier waits for a leader.
    std::chrono::milliseconds patience{10'000};
    std::uint64_t entries_kept = 10'000;
    std::size_t queue_count_max = 16'384;
    std::size_t queue_bytes_max = 64 << 20;
    std::function<bool(DriveIndex)> full;
  };
  /// On Raft's threads. Must return at once where nothing else is said.
  struct Events {
    std::function<void(std::uint64_t to, std::string_view message)> send;
    std::function<bool(std::uint64_t index)> install;  ///< May wait. Whether the state is the snapshot's now.
    std::function<void()> snapshot_wanted;
    std::function<void(std::uint64_t from, std::string name)> snapshot_offered;
    std::function<void(NodeId leader)> leader_changed;
    std::function<void()> tick;
    std::function<void(const Error&)> failed;
  };

  /// Recovers the log from `drives`, which are those of the log set that are present. `set` must outlive the log.
  static Result<std::unique_ptr<RaftLog>> open(LogSet& set, const std::vector<LogSet::Drive>& drives, Options options,
                                               Events events);
  ~RaftLog() override;

  /// What was found; all zeros when there is no log.
  const FirnRaftRecovered& recovered() const { return recovered_; }
  /// Begins a log where there is none: with all voters after entry `index`, or with none, to be sent everything.
  Result<> begin(std::uint64_t member, const std::vector<std::uint64_t>& voters, std::uint64_t index);
  /// Who votes, and how far the log goes.
  Result<FirnRaftStandpoint> standpoint(std::vector<std::uint64_t>& voters) const;
  /// Instead of a start, after most voters were lost for ever: this member is the only one from here on, and what its
  /// log holds stands. Behind that comes a leap: what the others had may have gone further.
  Result<> stand_alone(UnixMs now);
  /// Before `start`: where the state stands, and the number of this start of the process.
  void set_start(std::uint64_t applied, std::uint64_t start);

  void start(Sink sink) override;
  void expect_stop() override;
  void stop() override;
  void propose(std::unique_ptr<Proposal> proposal) override;
  bool reads_need_barrier() const override { return true; }
  void read_barrier(Barrier reached) override;
  Status status() const override;
  std::vector<DriveIndex> members() const override;
  void drive_left(DriveIndex drive) override { firn_raft_drop_drive(raft_, drive.value); }
  Result<> prepare() override { return {}; }
  void drop_below(std::uint64_t index) override;
  Result<> join_drive(const LogSet::Drive& drive) override;

  /// The state has entries up to `index`. By whoever applies.
  void applied(std::uint64_t index);

  std::uint64_t member() const { return recovered_.member; }
  FirnRaftStatus standing() const;
  std::vector<FirnRaftMember> raft_members() const;
  /// For what the log does not look into: messages, members, snapshots.
  FirnRaft* raft() const { return raft_; }

 private:
  struct Pending {
    std::unique_ptr<Proposal> proposal;
    Clock::time_point until;
    Clock::time_point sent;
  };
  RaftLog(LogSet& set, Options options, Events events);
  FirnRaftCallbacks callbacks();

  // On Raft's threads.
  void on_committed(const FirnRaftEntry* entries, std::size_t count);
  bool on_install(std::uint64_t index);
  void on_standing(bool leads, std::uint64_t leader, std::uint64_t term);
  void on_dropped();
  void on_tick();
  void on_failed(const Error& why);
  bool on_drive_lost(DriveIndex drive, const std::string& why);

  Result<CommittedEntry> take_entry(const FirnRaftEntry& entry);
  /// The origin's sequence number, which the fence is, has been reached: what was sent before it never happens.
  void settle(const Origin& fence);
  void send_queue();
  void send_fence(Clock::time_point now);
  void take_late(std::deque<Pending>& late, Clock::time_point now);
  std::vector<Pending> take_all();
  bool is_stopping() const;
  Origin origin(std::uint64_t sequence) const { return {.member = member(), .start = start_, .sequence = sequence}; }
  Clock::duration election() const;

  LogSet& set_;
  const Options options_;
  const Events events_;
  FirnRaft* raft_ = nullptr;
  FirnRaftRecovered recovered_{};
  std::uint64_t start_ = 0;
  Sink sink_;
  ReadBarriers barriers_;

  mutable std::mutex mutex_;               ///< Guards what follows.
  std::deque<Pending> queue_;              ///< Not sent: there is no leader.
  std::map<std::uint64_t, Pending> sent_;  ///< By sequence.
  std::size_t pending_bytes_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t fence_below_ = 0;  ///< What was sent before is to be settled; 0: nothing.
  Clock::time_point fence_sent_;
  std::uint64_t leader_ = 0;
  std::uint64_t term_ = 0;
  bool stopping_ = false;
  bool failed_ = false;
  std::uint64_t last_index_ = 0;
  std::uint64_t dropped_below_ = 0;
  std::uint64_t retained_bytes_ = 0;                                 ///< Of entries beyond that.
  std::deque<std::pair<std::uint64_t, std::uint64_t>> batch_bytes_;  ///< Last index and bytes of each batch of them.
};

}  // namespace firn::metadata
