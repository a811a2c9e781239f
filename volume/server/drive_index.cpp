// LocalDrive: finding, listing, forgetting.

#include <algorithm>

#include "firn/base/log.h"
#include "server/local_drive.h"

namespace firn::volume {
namespace {

/// Appended since the last flush of the index: what a start after a crash must scan. Together with the pause below it
/// is at most 64 MiB or what the drive writes in a second, whichever is more.
constexpr std::uint64_t kUnindexedBytesMax = 64ULL << 20;
constexpr std::chrono::seconds kIndexFlushPause{1};

/// Rows handed over at once; more would hold a thread of the blocking pool for long.
constexpr std::size_t kListMax = 10'000;

RecordInfo info_of(const RecordKey& key, const RecordRow& row) {
  return {.key = key,
          .set = row.set,
          .set_epoch = row.set_epoch,
          .stored_bytes = row.stored_bytes,
          .extent_bytes = row.extent_bytes};
}

}  // namespace

std::optional<RecordRow> LocalDrive::find_pending(const RecordKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = pending_.find(key);
  if (found == pending_.end()) return std::nullopt;
  return found->second;
}

Task<RecordRow> LocalDrive::find(RecordKey key) {
  // A record is in the index before it leaves the pending ones, so this order misses none.
  if (auto pending = find_pending(key)) co_return *pending;
  if (auto cached = index_->find_cached(key)) co_return std::move(*cached);
  std::function<Result<RecordRow>()> work = [this, key] { return index_->find_blocking(key); };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<> LocalDrive::write_index(IndexBatch& batch) {
  auto written = index_->write_at_once(batch);
  Result<> outcome;
  if (!written) {
    outcome = written.error();
  } else if (!*written) {
    std::function<Result<>()> work = [this, &batch] { return index_->write_blocking(batch); };
    outcome = co_await run_blocking(runtime_, std::move(work));
  }
  if (!outcome) fence(outcome.error());
  co_return outcome;
}

Task<> LocalDrive::flush_index() {
  {
    const std::lock_guard lock(mutex_);
    unindexed_bytes_ = 0;
    index_flushed_at_ = std::chrono::steady_clock::now();
  }
  std::function<Result<>()> work = [this] { return index_->flush(); };
  auto outcome = co_await run_blocking(runtime_, std::move(work));
  if (!outcome && outcome.code() != Errc::drive_full) fence(outcome.error());
  co_return outcome;
}

void LocalDrive::flush_index_when_due() {
  const auto now = std::chrono::steady_clock::now();
  if (unindexed_bytes_ < kUnindexedBytesMax || now - index_flushed_at_ < kIndexFlushPause) return;
  unindexed_bytes_ = 0;
  index_flushed_at_ = now;
  run_in_background(&LocalDrive::flush_index);
}

Task<> LocalDrive::remove(std::vector<ExtentId> extents) {
  const Pass pass(*this);
  {
    const std::lock_guard lock(mutex_);
    if (fence_reason_ || stopping_) co_return refusal();
  }
  const AsyncTurn::Pass turn = co_await index_turn_.enter();
  co_return co_await remove_in_turn(std::move(extents));
}

void LocalDrive::drop_pending(const std::unordered_set<ExtentId>& extents) {
  std::erase_if(pending_, [&extents](const auto& entry) { return extents.contains(entry.first.extent); });
}

Task<> LocalDrive::remove_in_turn(std::vector<ExtentId> extents) {
  // One named twice would be taken from its segments' live records twice, and a segment with live records recycled.
  std::sort(extents.begin(), extents.end());
  extents.erase(std::unique(extents.begin(), extents.end()), extents.end());
  {
    // What is not in the index yet will not get there: `settle` looks here first.
    const std::lock_guard lock(mutex_);
    if (!pending_.empty()) drop_pending({extents.begin(), extents.end()});
  }
  std::function<Result<std::vector<Index::Row>>()> work = [this, &extents]() -> Result<std::vector<Index::Row>> {
    std::vector<Index::Row> all;
    for (const ExtentId& extent : extents) {
      auto rows = index_->records_of(extent);
      if (!rows) return std::move(rows).error();
      all.insert(all.end(), rows->begin(), rows->end());
    }
    return all;
  };
  CO_TRY_LET(std::vector<Index::Row> rows, co_await run_blocking(runtime_, std::move(work)));
  co_return co_await remove_rows(std::move(rows));
}

Task<> LocalDrive::remove_left(std::vector<RecordKey> keys, SetEpoch until) {
  const Pass pass(*this);
  std::ranges::sort(keys);
  const auto repeated = std::ranges::unique(keys);
  keys.erase(repeated.begin(), repeated.end());
  const AsyncTurn::Pass turn = co_await index_turn_.enter();
  {
    const std::lock_guard lock(mutex_);
    if (fence_reason_ || stopping_) co_return refusal();
    for (const RecordKey& key : keys) {
      const auto found = pending_.find(key);
      if (found != pending_.end() && found->second.set_epoch <= until) pending_.erase(found);
    }
  }
  std::function<Result<std::vector<Index::Row>>()> work = [this, &keys, until]() -> Result<std::vector<Index::Row>> {
    std::vector<Index::Row> old;
    for (const RecordKey& key : keys) {
      const auto row = index_->find_blocking(key);
      if (!row && row.code() != Errc::not_found) return row.error();
      if (row && row->set_epoch <= until) old.push_back({key, *row});
    }
    return old;
  };
  CO_TRY_LET(std::vector<Index::Row> rows, co_await run_blocking(runtime_, std::move(work)));
  co_return co_await remove_rows(std::move(rows));
}

/// In turn.
Task<> LocalDrive::remove_rows(std::vector<Index::Row> rows) {
  if (rows.empty()) co_return Unit{};
  IndexBatch batch;
  {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    std::unordered_set<SegmentId> touched;
    for (const Index::Row& found : rows) {
      batch.remove(found.key);
      if (!segments_.contains(found.row.segment)) continue;
      segments_.remove_live(found.row, now);
      touched.insert(found.row.segment);
    }
    for (const SegmentId segment : touched) batch.put(segment, segments_.at(segment).row);
  }
  CO_TRY(co_await write_index(batch));
  const std::lock_guard lock(mutex_);
  wake_janitor();
  co_return Unit{};
}

Task<> LocalDrive::sync_index() {
  const Pass pass(*this);
  {
    const std::lock_guard lock(mutex_);
    if (fence_reason_ || stopping_) co_return refusal();
  }
  co_return co_await flush_index();
}

Task<std::vector<RecordInfo>> LocalDrive::list(RecordKey after, std::size_t limit) {
  const Pass pass(*this);
  if (stopping_) co_return error(Errc::drive_out, directory_ + " is closed");
  const std::size_t most = std::min(limit, kListMax);
  // Those first: a record is in the index before it leaves them, so this order misses none.
  std::map<RecordKey, RecordInfo> records = pending_after(after);
  std::function<Result<std::vector<RecordInfo>>()> work = [this, after, most,
                                                           &records]() -> Result<std::vector<RecordInfo>> {
    std::size_t indexed = 0;
    auto listed = most == 0 ? Result<>() : index_->each_record(after, [&](const Index::Row& found) {
      if (found.key != after && ++indexed <= most) records.try_emplace(found.key, info_of(found.key, found.row));
      return indexed < most;
    });
    if (!listed) return std::move(listed).error();
    std::vector<RecordInfo> page;
    for (auto it = records.begin(); it != records.end() && page.size() < most; ++it) page.push_back(it->second);
    return page;
  };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<> LocalDrive::recovery_noted() {
  const Pass pass(*this);
  const AsyncTurn::Pass turn = co_await index_turn_.enter();
  {
    const std::lock_guard lock(mutex_);
    if (fence_reason_ || stopping_) co_return refusal();
    if (!stats_.recovered_from) co_return Unit{};
  }
  // Not flushed: told once more after a crash, it is only noted twice.
  IndexBatch batch;
  batch.remove_recovered();
  CO_TRY(co_await write_index(batch));
  const std::lock_guard lock(mutex_);
  stats_.recovered_from.reset();
  co_return Unit{};
}

std::map<RecordKey, RecordInfo> LocalDrive::pending_after(const RecordKey& after) const {
  std::map<RecordKey, RecordInfo> records;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, row] : pending_) {
    if (key > after) records.emplace(key, info_of(key, row));
  }
  return records;
}

Task<> LocalDrive::raise_epoch(SetId set, SetEpoch epoch) {
  const Pass pass(*this);
  const AsyncTurn::Pass turn = co_await epochs_turn_.enter();
  std::string content;
  {
    const std::lock_guard lock(mutex_);
    if (fence_reason_ || stopping_) co_return refusal();
    SetEpoch& known = epochs_[set];
    if (known >= epoch) co_return Unit{};
    // Refused from now on, also should the file fail to be written: an older epoch is never right again.
    known = epoch;
    content = make_epochs_file(identity_.drive, epochs_);
  }
  auto written = co_await disk_.replace_small(directory_ + "/" + kEpochsFile, std::move(content));
  if (!written) fence(written.error());
  CO_TRY(written);
  // What was admitted before is in the index from here on, so who lists this drive next sees all of the older epochs.
  co_return co_await flush_now();
}

}  // namespace firn::volume
