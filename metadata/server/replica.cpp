#include "server/replica.h"

#include "files/crash_point.h"
#include "firn/base/log.h"
#include "query/query.h"
#include "rows/try.h"

namespace firn::metadata {

Replica::Replica(RocksStore& store, Applier applier, Events events)
    : store_(store),
      events_(std::move(events)),
      reader_(store, Wait::allowed),
      applier_(std::move(applier)),
      shard_epoch_(applier_.progress().shard_epoch),
      applied_index_(applier_.progress().applied_index) {}

Replica::~Replica() { stop(); }

Result<std::unique_ptr<Replica>> Replica::open(RocksStore& store, Events events) {
  const RocksReader reader(store, Wait::allowed);
  TRY_LET(Applier applier, Applier::open(reader));
  TRY_LET(std::vector<Bucket> buckets, query::all_buckets(reader));
  std::unique_ptr<Replica> replica(new Replica(store, std::move(applier), std::move(events)));
  replica->buckets_.load(std::move(buckets));
  return replica;
}

Result<> Replica::reload() {
  TRY_LET(applier_, Applier::open(reader_));
  TRY_LET(std::vector<Bucket> buckets, query::all_buckets(reader_));
  const Result<MapRecord> map = query::cluster_map(reader_);
  if (!map && map.code() != Errc::not_found) return map.error();
  buckets_.load(std::move(buckets));
  shard_epoch_.store(applier_.progress().shard_epoch, std::memory_order_release);
  applied_index_.store(applier_.progress().applied_index, std::memory_order_release);
  if (map && events_.map_changed) events_.map_changed(*map);
  return {};
}

Result<Outcome> Replica::apply(std::uint64_t index, const LogEntry& entry) {
  Transaction changes(reader_);
  TRY_LET(Outcome outcome, applier_.apply(index, entry, changes));
  TRY(store_.commit(changes));
  crash_point("applied");
  if (outcome.created) buckets_.add(*outcome.created);
  if (outcome.removed) buckets_.remove(*outcome.removed);
  shard_epoch_.store(applier_.progress().shard_epoch, std::memory_order_release);
  applied_index_.store(index, std::memory_order_release);
  if (outcome.map && events_.map_changed) events_.map_changed(*outcome.map);
  return outcome;
}

Result<> Replica::replay(std::uint64_t index, const LogEntry& entry) {
  TRY(apply(index, entry));
  return {};
}

void Replica::apply(CommittedEntry& entry) {
  auto* const proposal = static_cast<CommandProposal*>(entry.proposal.get());
  if (failed()) {
    if (proposal != nullptr) proposal->fail(error(Errc::ambiguous, "the metadata state has failed"));
    return;
  }
  Result<Outcome> outcome = apply(entry.index, entry.entry());
  if (outcome) {
    if (proposal != nullptr) proposal->answer(std::move(outcome->answer));
    return;
  }
  // It is in the log: the next start applies it, or finds out why it can't.
  failed_.store(true, std::memory_order_release);
  log::error("metadata: entry {} can't be applied: {}", entry.index, outcome.error().detail);
  if (events_.failed) events_.failed(outcome.error());
  if (proposal != nullptr) proposal->fail(error(Errc::ambiguous, outcome.error().detail));
}

void Replica::start() {
  thread_ = std::thread([this] { run(); });
}

void Replica::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Replica::take(std::vector<CommittedEntry> entries) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return batches_.size() < kBatchesAhead; });
  batches_.push_back(std::move(entries));
  lock.unlock();
  wake_.notify_all();
}

void Replica::drain() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return batches_.empty(); });
}

void Replica::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !batches_.empty(); });
    if (batches_.empty()) return;
    std::vector<CommittedEntry> entries = std::move(batches_.front());
    lock.unlock();
    for (CommittedEntry& entry : entries) apply(entry);
    if (events_.batch_applied) events_.batch_applied();
    lock.lock();
    batches_.pop_front();
    wake_.notify_all();
  }
}

}  // namespace firn::metadata
