#include <algorithm>

#include "firn/base/log.h"
#include "log/raft_entry.h"
#include "log/raft_log.h"
#include "rows/try.h"

// What becomes of a proposal: docs/decisions/0006-proposals-are-settled-by-fences.md.
namespace firn::metadata {
namespace {

/// A proposal that was sent and not seen for so many times of an election is settled.
constexpr int kElectionsToSettle = 2;

FirnRaftBytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

RaftLog::Clock::duration RaftLog::election() const {
  return std::chrono::milliseconds(options_.times.tick_ms * options_.times.election_ticks);
}

void RaftLog::propose(std::unique_ptr<Proposal> proposal) {
  const std::size_t bytes = proposal->entry.size();
  Error refusal;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      refusal = error(Errc::cancelled, "the metadata log is stopping");
    } else if (failed_) {
      refusal = error(Errc::durability_unavailable, "the metadata log has failed");
    } else if (queue_.size() + sent_.size() >= options_.queue_count_max ||
               pending_bytes_ + bytes > options_.queue_bytes_max) {
      refusal = error(Errc::slow_down, "the metadata log's queue is full");
    } else {
      pending_bytes_ += bytes;
      queue_.push_back({std::move(proposal), Clock::now() + options_.patience, {}});
      if (leader_ != 0) send_queue();
      return;
    }
  }
  proposal->fail(std::move(refusal));  // NOLINT(bugprone-use-after-move): moved only when queued.
}

/// With the lock held: sequences go to Raft in their order.
void RaftLog::send_queue() {
  const Clock::time_point now = Clock::now();
  std::vector<std::string> entries;
  for (Pending& pending : queue_) {
    const std::uint64_t sequence = next_sequence_++;
    entries.push_back(encode_raft_entry(
        {.kind = LogEntry::Kind::command, .origin = origin(sequence), .command = pending.proposal->entry}));
    pending.sent = now;
    sent_.emplace(sequence, std::move(pending));
  }
  queue_.clear();
  std::vector<FirnRaftBytes> given;
  for (const std::string& entry : entries) given.push_back(bytes_of(entry));
  firn_raft_propose(raft_, given.data(), given.size());
}

/// With the lock held.
void RaftLog::send_fence(Clock::time_point now) {
  const std::string entry = encode_raft_entry({.kind = LogEntry::Kind::fence, .origin = origin(fence_below_)});
  const FirnRaftBytes given = bytes_of(entry);
  fence_sent_ = now;
  firn_raft_propose(raft_, &given, 1);
}

Result<CommittedEntry> RaftLog::take_entry(const FirnRaftEntry& raw) {
  TRY_LET(const LogEntry entry, decode_raft_entry({reinterpret_cast<const char*>(raw.data.data), raw.data.size}));
  CommittedEntry taken{
      .index = raw.index, .proposal = nullptr, .command = {}, .kind = entry.kind, .origin = entry.origin};
  const bool own = entry.origin.member == member() && entry.origin.start == start_;
  if (own && entry.kind == LogEntry::Kind::fence) settle(entry.origin);
  if (own && entry.kind == LogEntry::Kind::command) {
    const std::lock_guard lock(mutex_);
    const auto found = sent_.find(entry.origin.sequence);
    if (found != sent_.end()) {
      taken.proposal = std::move(found->second.proposal);
      pending_bytes_ -= taken.proposal->entry.size();
      sent_.erase(found);
    }
  }
  if (!taken.proposal) taken.command = entry.command;
  return taken;
}

/// All entries before the fence were seen. Those that were sent before it and did not come can't come any more, so they
/// are sent again, in their order and before all that waits.
void RaftLog::settle(const Origin& fence) {
  const std::lock_guard lock(mutex_);
  const auto end = sent_.lower_bound(fence.sequence);
  std::deque<Pending> again;
  for (auto pending = sent_.begin(); pending != end; ++pending) again.push_back(std::move(pending->second));
  sent_.erase(sent_.begin(), end);
  if (fence.sequence >= fence_below_) fence_below_ = 0;
  for (Pending& pending : queue_) again.push_back(std::move(pending));
  queue_.swap(again);
  if (leader_ != 0 && !queue_.empty()) send_queue();
}

void RaftLog::on_committed(const FirnRaftEntry* entries, std::size_t count) {
  // An entry that can't be read is applied by none, and so is all that follows.
  if (status().failed) return;
  std::vector<CommittedEntry> taken;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Result<CommittedEntry> entry = take_entry(entries[i]);
    if (!entry) {
      for (CommittedEntry& before : taken) {
        if (before.proposal) before.proposal->fail(error(Errc::ambiguous, entry.error().detail));
      }
      return on_failed(entry.error());
    }
    bytes += entries[i].data.size;
    taken.push_back(std::move(*entry));
  }
  if (taken.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    last_index_ = taken.back().index;
    retained_bytes_ += bytes;
    batch_bytes_.emplace_back(last_index_, bytes);
  }
  sink_(std::move(taken));
}

/// What was sent may be in the snapshot or not: nobody can tell.
bool RaftLog::on_install(std::uint64_t index) {
  if (!events_.install(index)) return false;
  std::map<std::uint64_t, Pending> sent;
  {
    const std::lock_guard lock(mutex_);
    sent.swap(sent_);
    for (const auto& [sequence, pending] : sent) pending_bytes_ -= pending.proposal->entry.size();
    last_index_ = index;
    retained_bytes_ = 0;
    batch_bytes_.clear();
    fence_below_ = 0;
  }
  barriers_.applied(index);
  for (auto& [sequence, pending] : sent) pending.proposal->fail(error(Errc::ambiguous, "overtaken by a snapshot"));
  return true;
}

void RaftLog::on_standing(bool, std::uint64_t leader, std::uint64_t term) {
  {
    const std::lock_guard lock(mutex_);
    const bool other = leader != leader_ || term != term_;
    leader_ = leader;
    term_ = term;
    if (leader != 0 && other) {
      // What the last leader was given may be lost with it.
      if (!sent_.empty()) {
        fence_below_ = next_sequence_;
        send_fence(Clock::now());
      }
      if (!queue_.empty()) send_queue();
    }
  }
  if (leader != 0) barriers_.leader_changed();
  if (events_.leader_changed) events_.leader_changed(NodeId{static_cast<std::uint32_t>(leader)});
}

/// Sent when there was no leader any more: settled at the next tick.
void RaftLog::on_dropped() {
  const std::lock_guard lock(mutex_);
  if (fence_below_ == 0 && !sent_.empty()) fence_below_ = next_sequence_;
}

void RaftLog::on_tick() {
  const Clock::time_point now = Clock::now();
  std::deque<Pending> late;
  {
    const std::lock_guard lock(mutex_);
    take_late(late, now);
    const bool unseen = !sent_.empty() && now - sent_.begin()->second.sent > kElectionsToSettle * election();
    if (unseen && fence_below_ == 0) fence_below_ = next_sequence_;
    if (fence_below_ != 0 && leader_ != 0 && now - fence_sent_ > election()) send_fence(now);
  }
  for (Pending& pending : late) {
    const bool sent = pending.sent != Clock::time_point{};
    pending.proposal->fail(sent ? error(Errc::ambiguous, "the metadata leader does not answer")
                                : error(Errc::durability_unavailable, "there is no metadata leader"));
  }
  barriers_.tick(now);
  if (events_.tick) events_.tick();
}

/// With the lock held.
void RaftLog::take_late(std::deque<Pending>& late, Clock::time_point now) {
  const auto is_late = [&](Pending& pending) {
    if (pending.until > now) return false;
    pending_bytes_ -= pending.proposal->entry.size();
    late.push_back(std::move(pending));
    return true;
  };
  std::erase_if(queue_, is_late);
  for (auto pending = sent_.begin(); pending != sent_.end();) {
    pending = is_late(pending->second) ? sent_.erase(pending) : std::next(pending);
  }
}

std::vector<RaftLog::Pending> RaftLog::take_all() {
  std::vector<Pending> all;
  const std::lock_guard lock(mutex_);
  for (auto& [sequence, pending] : sent_) all.push_back(std::move(pending));
  for (Pending& pending : queue_) all.push_back(std::move(pending));
  sent_.clear();
  queue_.clear();
  pending_bytes_ = 0;
  return all;
}

}  // namespace firn::metadata
