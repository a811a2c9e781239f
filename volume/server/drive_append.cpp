// LocalDrive: appends, and the flushes that make them durable.

#include <cstring>

#include "firn/base/clock.h"
#include "server/local_drive.h"

namespace firn::volume {
namespace {

RecordRow row_of(const SummaryEntry& entry, const SegmentIdentity& segment) {
  return RecordRow{.segment = segment.segment,
                   .incarnation = segment.incarnation,
                   .page = entry.page,
                   .stored_bytes = std::uint32_t{entry.stored_blocks} * kBlockBytes,
                   .chunk_bytes = std::uint32_t{entry.chunk_blocks} * kBlockBytes,
                   .set = SetId{entry.set},
                   .set_epoch = SetEpoch{entry.set_epoch},
                   .extent_bytes = entry.extent_bytes};
}

}  // namespace

Task<> LocalDrive::append(Append request) {
  const Pass pass(*this);
  CO_TRY(check_append(request));
  std::optional<Result<Reserved>> outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome = try_reserve(clients_, request.record.size(), &request);
  }
  if (!outcome) outcome = co_await reserve(clients_, request.record.size(), &request);
  CO_TRY_LET(Reserved reserved, std::move(*outcome));
  fill_header(request, reserved);
  co_return co_await write_record(clients_, std::move(reserved), request.key, request.record);
}

Result<> LocalDrive::check_append(const Append& request) const {
  const std::size_t bytes = request.record.size();
  const bool lengths = bytes >= kPageBytes && bytes % kPageBytes == 0 && bytes - kPageBytes <= request.chunk_bytes &&
                       request.chunk_bytes <= kChunkBytesMax && request.chunk_bytes % kBlockBytes == 0;
  const bool aligned = reinterpret_cast<std::uintptr_t>(request.record.data()) % kPageBytes == 0;
  if (!lengths || !aligned) return error(Errc::invalid_argument, "append: lengths or alignment");
  if (!erasure::valid(request.shape) || request.key.shard >= request.shape.total()) {
    return error(Errc::invalid_argument, "append: shape or shard");
  }
  return {};
}

Result<> LocalDrive::admits(SetId set, SetEpoch epoch) const {
  const auto known = epochs_.find(set);
  if (known == epochs_.end() || epoch >= known->second) return {};
  return error(Errc::stale_epoch, "drive " + std::to_string(identity_.index.value) + ": append to set " +
                                      std::to_string(set.value) + " under epoch " + std::to_string(epoch.value) +
                                      ", the drive has " + std::to_string(known->second.value));
}

Error LocalDrive::refusal() const {
  if (fence_reason_) return error(Errc::drive_out, directory_ + " is fenced: " + fence_reason_->detail);
  return error(Errc::drive_out, directory_ + " is closed");
}

std::optional<Result<LocalDrive::Reserved>> LocalDrive::try_reserve(Lane& lane, std::uint64_t record_bytes,
                                                                    const Append* request) {
  if (fence_reason_ || stopping_) return Result<Reserved>(refusal());
  // Checked each time: the epoch may have been raised while this append waited.
  if (request != nullptr) {
    if (auto admitted = admits(request->set, request->set_epoch); !admitted) return Result<Reserved>(admitted.error());
  }
  if (lane.prepared && !(lane.current && lane.current->has_room(record_bytes))) rotate(lane);
  if (!lane.current || !lane.current->has_room(record_bytes)) return std::nullopt;
  if (!lane.current->in_window(record_bytes) || unsynced_bytes_ + record_bytes > kUnsyncedBytesMax) return std::nullopt;
  Reserved reserved{lane.current, lane.current->reserve(record_bytes)};
  prepare_ahead(lane);
  return Result<Reserved>(std::move(reserved));
}

Task<LocalDrive::Reserved> LocalDrive::reserve(Lane& lane, std::uint64_t record_bytes, const Append* request) {
  std::uint64_t awaited_attempt = 0;
  for (;;) {
    std::unique_lock lock(mutex_);
    if (auto outcome = try_reserve(lane, record_bytes, request)) co_return std::move(*outcome);
    const bool full = !lane.current || !lane.current->has_room(record_bytes);
    if (full && !lane.preparing) {
      // An attempt that began after this append found no room has failed.
      if (awaited_attempt != 0 && lane.attempts >= awaited_attempt && lane.refusal) co_return *lane.refusal;
      prepare_in_background(lane);
      awaited_attempt = lane.attempts + 1;
    }
    co_await room_.wait(lock);
  }
}

void LocalDrive::rotate(Lane& lane) {
  if (lane.current) {
    closing_.push_back(std::move(lane.current));
    wake_janitor();
  }
  lane.current = std::move(lane.prepared);
  lane.prepared.reset();
  lane.prepared_ahead = false;
}

void LocalDrive::prepare_ahead(Lane& lane) {
  // From half on, and once: on a full drive only an append that finds no room asks again.
  if (lane.prepared_ahead || lane.may_take_the_spare || lane.current->tail_bytes() < identity_.segment_bytes / 2)
    return;
  lane.prepared_ahead = true;
  if (!lane.prepared && !lane.preparing) prepare_in_background(lane);
}

void LocalDrive::fill_header(const Append& request, const Reserved& reserved) const {
  RecordHeader& header = *reinterpret_cast<RecordHeader*>(request.record.data());
  // All but the block checksums, which the caller has filled in.
  std::memset(request.record.data(), 0, offsetof(RecordHeader, block_xxh3));
  std::memset(header.reserved3, 0, sizeof header.reserved3);
  const SegmentIdentity& segment = reserved.segment->identity();
  header.version = kRecordVersion;
  header.shard = request.key.shard;
  header.data_shards = request.shape.data;
  header.parity_shards = request.shape.parity;
  header.set = request.set.value;
  header.set_epoch = request.set_epoch.value;
  header.lease = request.key.extent.lease.value;
  header.counter = request.key.extent.counter;
  header.extent_bytes = request.extent_bytes;
  header.stripe = request.key.stripe;
  header.chunk_bytes = request.chunk_bytes;
  header.stored_bytes = static_cast<std::uint32_t>(request.record.size() - kPageBytes);
  header.segment = segment.segment.value;
  header.segment_incarnation = segment.incarnation;
  header.segment_nonce = segment.nonce;
  header.offset_bytes = reserved.place.offset_bytes;
  std::memcpy(header.cluster, segment.cluster.bytes.data(), sizeof header.cluster);
  header.owner_bucket = request.owner_bucket.value;
  header.written_unix_ms = static_cast<std::uint64_t>(system_clock_source().now_unix_ms());
  seal_header(header);
}

Task<> LocalDrive::write_record(Lane& lane, Reserved reserved, RecordKey key, ByteView record) {
  const SummaryEntry entry = summary_entry(*reinterpret_cast<const RecordHeader*>(record.data()));
  auto outcome = co_await reserved.segment->file()->write(reserved.place.offset_bytes, record);
  Written written{.key = key,
                  .row = row_of(entry, reserved.segment->identity()),
                  .segment = reserved.segment,
                  .ticket = reserved.place.ticket};
  const std::lock_guard lock(mutex_);
  reserved.segment->written(reserved.place.ticket, outcome ? std::optional(entry) : std::nullopt);
  room_.notify_all();
  if (!outcome) co_return write_failed(lane, reserved, outcome.error());
  if (auto still = admits(written.row.set, written.row.set_epoch); !still) {
    // Raised while it was written: no record of an older epoch may appear after raise_epoch has returned.
    reserved.segment->settled(reserved.place.ticket);
    co_return still;
  }
  pending_.insert_or_assign(key, written.row);
  unsynced_.push_back(std::move(written));
  count_written(record.size());
  ++stats_.appends;
  stats_.appended_bytes += record.size();
  if (unsynced_bytes_ >= kUnsyncedBytesSoft && !flushing_) flush_in_background();
  co_return Unit{};
}

Error LocalDrive::write_failed(Lane& lane, const Reserved& reserved, const Error& failure) {
  reserved.segment->settled(reserved.place.ticket);
  if (failure.code != Errc::drive_full) {
    fence_locked(failure);
    return error(Errc::io_error, failure.detail);
  }
  // Nothing may follow the hole: a scan looks only so far ahead.
  if (lane.current == reserved.segment) {
    closing_.push_back(std::move(lane.current));
    lane.current.reset();
    wake_janitor();
  }
  return failure;
}

void LocalDrive::count_written(std::uint64_t record_bytes) {
  unsynced_bytes_ += record_bytes;
  unindexed_bytes_ += record_bytes;
  ++written_;
}

Task<> LocalDrive::sync() {
  const Pass pass(*this);
  std::uint64_t target = 0;
  {
    const std::lock_guard lock(mutex_);
    if (fence_reason_ || stopping_) co_return refusal();
    target = written_;
  }
  co_return co_await flush_to(target);
}

Task<> LocalDrive::flush_to(std::uint64_t target) {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (durable_ >= target) co_return Unit{};
    if (fence_reason_) co_return error(Errc::io_error, fence_reason_->detail);
    if (flushing_) {
      co_await flushed_.wait(lock);
      continue;
    }
    flushing_ = true;
    lock.unlock();
    co_await gather_writes();
    lock.lock();
    Flush flush = take_flush();
    lock.unlock();
    CO_TRY(co_await run_flush(std::move(flush)));
  }
}

/// Lets writes that are about to complete come into the flush that begins: the event loop turns until two turns have
/// brought none. A device's flush costs far more than that, and beside a busy one each flush saved is a client's time.
boost::asio::awaitable<void> LocalDrive::gather_writes() {
  constexpr unsigned kQuietTurns = 2;
  constexpr unsigned kTurnsMax = 16;
  std::uint64_t seen = 0;
  for (unsigned turns = 0, quiet = 0; turns < kTurnsMax && quiet < kQuietTurns; ++turns) {
    co_await boost::asio::post(boost::asio::use_awaitable);
    const std::lock_guard lock(mutex_);
    quiet = written_ == seen ? quiet + 1 : 0;
    seen = written_;
  }
}

LocalDrive::Flush LocalDrive::take_flush() {
  // Only completed writes are in here, so the flush submitted next answers for all of them.
  Flush flush{.segments = {}, .records = std::move(unsynced_), .target = written_, .bytes = unsynced_bytes_};
  unsynced_.clear();
  const auto take = [&flush](const std::shared_ptr<OpenSegment>& segment) {
    if (!segment || !segment->dirty) return;
    segment->dirty = false;
    flush.segments.push_back(segment);
  };
  take(clients_.current);
  take(rewriting_.current);
  for (const auto& segment : closing_) take(segment);
  return flush;
}

Task<> LocalDrive::run_flush(Flush flush) {
  Result<> outcome;
  for (const auto& segment : flush.segments) {
    outcome = co_await segment->file()->sync();
    if (!outcome) break;
  }
  {
    const std::lock_guard lock(mutex_);
    flushing_ = false;
    ++stats_.flushes;
    if (outcome) {
      durable_ = flush.target;
      unsynced_bytes_ -= flush.bytes;
    } else {
      // The kernel may have dropped the pages it could not write: nothing of this flush is to be trusted, now or later.
      fence_locked(outcome.error());
    }
    flushed_.notify_all();
    room_.notify_all();
  }
  if (!outcome) co_return error(Errc::io_error, outcome.error().detail);
  co_return co_await settle(std::move(flush.records));
}

Task<> LocalDrive::settle(std::vector<Written> records) {
  if (records.empty()) co_return Unit{};
  const AsyncTurn::Pass turn = co_await index_turn_.enter();
  // Repair appends what is there already, but damaged: the old copy dies. New keys lie beyond all others, so this costs
  // a look at the write buffer; where it would cost a read, the old copy is counted until its segment is rewritten.
  std::vector<std::optional<Result<RecordRow>>> earlier;
  earlier.reserve(records.size());
  for (const Written& record : records) earlier.push_back(index_->find_cached(record.key));
  IndexBatch batch;
  {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    std::vector<OpenSegment*> touched;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Written& record = records[i];
      const auto pending = pending_.find(record.key);
      // Otherwise removed, or appended again, since it was written.
      if (pending != pending_.end() && pending->second.same_place(record.row)) {
        batch.put(record.key, record.row);
        segments_.add_live(record.row);
        if (earlier[i]) forget_copy(*earlier[i], now, batch);
      }
      record.segment->settled(record.ticket);
      if (std::find(touched.begin(), touched.end(), record.segment.get()) == touched.end()) {
        touched.push_back(record.segment.get());
      }
    }
    for (const OpenSegment* segment : touched) {
      SegmentRow& row = segments_.at(segment->id()).row;
      row.mark_bytes = segment->mark_bytes();
      row.records = segment->records();
      batch.put(segment->id(), row);
    }
  }
  CO_TRY(co_await write_index(batch));
  const std::lock_guard lock(mutex_);
  for (const Written& record : records) {
    const auto pending = pending_.find(record.key);
    if (pending != pending_.end() && pending->second.same_place(record.row)) pending_.erase(pending);
  }
  if (!closing_.empty()) wake_janitor();
  flush_index_when_due();
  co_return Unit{};
}

void LocalDrive::forget_copy(const Result<RecordRow>& copy, std::chrono::steady_clock::time_point now,
                             IndexBatch& batch) {
  if (!copy || !segments_.contains(copy->segment)) return;
  segments_.remove_live(*copy, now);
  SegmentTable::Segment& segment = segments_.at(copy->segment);
  segment.damaged = false;  // Perhaps this was what kept it from being rewritten.
  batch.put(copy->segment, segment.row);
}

Task<> LocalDrive::flush_now() {
  std::uint64_t target = 0;
  {
    const std::lock_guard lock(mutex_);
    background_flush_ = false;
    target = written_;
  }
  co_return co_await flush_to(target);
}

void LocalDrive::flush_in_background() {
  if (background_flush_) return;
  background_flush_ = true;
  run_in_background(&LocalDrive::flush_now);
}

}  // namespace firn::volume
