#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "apply/applier.h"
#include "log/replicated_log.h"
#include "server/bucket_table.h"
#include "store/rocks_store.h"

namespace firn::metadata {

/// A command whose proposer waits for its answer.
class CommandProposal : public Proposal {
 public:
  using Proposal::Proposal;
  /// Called once, on the apply thread or wherever it failed.
  virtual void answer(Answer answer) = 0;
  void fail(Error why) final { answer(std::move(why)); }
};

/// Applies the log to the store, in order.
///
/// Threads: one of its own applies; `take` is the log's sink; `replay` before `start` alone.
/// Memory: `kBatchesAhead` batches that the log has written and apply has not reached; past that `take` waits.
class Replica {
 public:
  struct Events {
    std::function<void(const Error&)> failed;  ///< The state can't be read or written: nothing is applied any more.
    std::function<void()> batch_applied;
    std::function<void(const MapRecord&)> map_changed;
  };
  static Result<std::unique_ptr<Replica>> open(RocksStore& store, Events events);
  ~Replica();

  Result<> replay(std::uint64_t index, std::string_view entry) { return replay(index, LogEntry{.command = entry}); }
  Result<> replay(std::uint64_t index, const LogEntry& entry);
  /// Begins anew with the state as it is now. On no thread while anything is applied.
  Result<> reload();
  void start();
  /// Applies what was taken, then ends the thread.
  void stop();
  void take(std::vector<CommittedEntry> entries);
  /// Returns when all that was taken is applied.
  void drain();

  const BucketTable& buckets() const { return buckets_; }
  std::uint64_t applied_index() const { return applied_index_.load(std::memory_order_acquire); }
  std::uint32_t shard_epoch() const { return shard_epoch_; }
  bool failed() const { return failed_.load(std::memory_order_acquire); }

 private:
  Replica(RocksStore& store, Applier applier, Events events);
  void run();
  void apply(CommittedEntry& entry);
  Result<Outcome> apply(std::uint64_t index, const LogEntry& entry);

  static constexpr std::size_t kBatchesAhead = 4;

  RocksStore& store_;
  const Events events_;
  RocksReader reader_;
  Applier applier_;
  BucketTable buckets_;
  std::atomic<std::uint32_t> shard_epoch_;
  std::atomic<std::uint64_t> applied_index_;
  std::atomic<bool> failed_{false};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::vector<CommittedEntry>> batches_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace firn::metadata
