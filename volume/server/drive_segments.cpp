// LocalDrive: how segments are taken, sealed and recycled.

#include <algorithm>
#include <cstring>

#include "firn/base/clock.h"
#include "firn/base/digest.h"
#include "firn/base/log.h"
#include "server/local_drive.h"

namespace firn::volume {

void LocalDrive::prepare_in_background(Lane& lane) {
  lane.preparing = true;
  run_in_background(&lane == &clients_ ? &LocalDrive::prepare_clients : &LocalDrive::prepare_rewriting);
}

Task<> LocalDrive::prepare_clients() { return prepare(clients_); }
Task<> LocalDrive::prepare_rewriting() { return prepare(rewriting_); }

Task<> LocalDrive::prepare(Lane& lane) {
  auto taken = co_await take_segment(lane.may_take_the_spare);
  {
    const std::lock_guard lock(mutex_);
    lane.preparing = false;
    ++lane.attempts;
    if (taken) {
      lane.prepared = std::move(taken).value();
      lane.refusal.reset();
    } else {
      lane.refusal = taken.error();
      // Rewriting that found no room must not have rewriting begun anew.
      if (&lane == &clients_) wake_janitor();
    }
    room_.notify_all();
  }
  co_return Unit{};
}

Task<std::shared_ptr<OpenSegment>> LocalDrive::take_segment(bool may_take_the_spare) {
  for (;;) {
    std::optional<SegmentId> id;
    {
      const std::lock_guard lock(mutex_);
      if (fence_reason_ || stopping_) co_return refusal();
      if (may_take_the_spare || segments_.free_segments() > 1) id = segments_.take_free();
    }
    if (id) co_return co_await begin_incarnation(*id);
    // None to spare: make one more, which is then free, and look again.
    CO_TRY(co_await create_segment());
  }
}

Task<> LocalDrive::create_segment() {
  const AsyncTurn::Pass turn = co_await create_turn_.enter();
  CO_TRY_LET(const DiskSpace space, co_await disk_.space(directory_));
  if (space.free_bytes < reserve_bytes(space) + identity_.segment_bytes) {
    co_return error(Errc::drive_full, directory_ + " is full but for its reserve");
  }
  SegmentId id;
  {
    const std::lock_guard lock(mutex_);
    id = SegmentId{segments_.size()};
  }
  CO_TRY_LET(auto file, co_await disk_.open(segment_path(id), Disk::Open::create));
  auto allocated = co_await file->preallocate(identity_.segment_bytes);
  if (allocated) allocated = co_await disk_.sync_directory(directory_ + "/" + kSegmentsDirectory);
  if (!allocated) {
    file.reset();
    CO_TRY(co_await disk_.remove(segment_path(id)));
    co_return allocated;
  }
  const std::lock_guard lock(mutex_);
  segments_.add(id).present = true;
  segments_.keep_file(id, std::move(file));
  co_return Unit{};
}

Task<std::shared_ptr<OpenSegment>> LocalDrive::begin_incarnation(SegmentId id) {
  auto begun = co_await write_segment_header(id);
  if (!begun) {
    if (begun.code() != Errc::drive_full) fence(begun.error());
    const std::lock_guard lock(mutex_);
    segments_.at(id).use = SegmentTable::Use::idle;
  }
  co_return begun;
}

Task<std::shared_ptr<OpenSegment>> LocalDrive::write_segment_header(SegmentId id) {
  CO_TRY_LET(auto file, co_await segment_file(id));
  // The header may be ahead of the index: it was prepared and never used.
  SegmentIdentity identity = identity_of(id);
  auto old = co_await read_segment_header(file, identity);
  if (!old && old.code() != Errc::not_found) co_return std::move(old).error();
  {
    const std::lock_guard lock(mutex_);
    const std::uint32_t last = segments_.at(id).row.incarnation;
    identity.incarnation = std::max(last, old ? old->incarnation : 0) + 1;
    birth_ = std::max(birth_, old ? old->birth : 0) + 1;
    identity.birth = birth_;
  }
  fill_random(std::as_writable_bytes(std::span(&identity.nonce, 1)));
  const auto now = static_cast<std::uint64_t>(system_clock_source().now_unix_ms());
  const Buffer header = make_segment_header(identity, now);
  CO_TRY(co_await file->write(0, header.view()));
  // Synced before the first record: a scan believes no record whose incarnation the header does not name.
  CO_TRY(co_await file->sync());
  const std::lock_guard lock(mutex_);
  // Reaches the index with the first record.
  segments_.at(id).row = SegmentRow{.state = SegmentState::active,
                                    .incarnation = identity.incarnation,
                                    .nonce = identity.nonce,
                                    .birth = identity.birth,
                                    .mark_bytes = kFirstRecordOffset};
  co_return std::make_shared<OpenSegment>(identity, std::move(file));
}

Task<> LocalDrive::ensure_spare() {
  {
    const std::lock_guard lock(mutex_);
    if (segments_.free_segments() > 0) co_return Unit{};
  }
  co_return co_await create_segment();
}

void LocalDrive::wake_janitor() {
  janitor_wanted_ = true;
  if (janitor_running_) return;
  janitor_running_ = true;
  run_in_background(&LocalDrive::janitor);
}

Task<> LocalDrive::janitor() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (!janitor_wanted_ || fence_reason_ || stopping_) {
        janitor_running_ = false;
        co_return Unit{};
      }
      janitor_wanted_ = false;
    }
    report(co_await seal_closing());
    report(co_await ensure_spare());
    report(co_await recycle_dead());
    const std::lock_guard lock(mutex_);
    start_rewriting();
  }
}

void LocalDrive::start_rewriting() {
  if (rewrite_running_ || fence_reason_ || stopping_) return;
  if (std::chrono::steady_clock::now() < rewrite_rests_until_) return;
  rewrite_running_ = true;
  run_in_background(&LocalDrive::rewrite);
}

Task<> LocalDrive::seal_closing() {
  std::vector<std::shared_ptr<OpenSegment>> full;
  std::uint64_t written = 0;
  {
    const std::lock_guard lock(mutex_);
    full = closing_;
    written = written_;
  }
  if (full.empty()) co_return Unit{};
  // Nobody may be waiting for their last records: an upload given up.
  CO_TRY(co_await flush_to(written));
  for (auto& segment : full) {
    {
      const std::lock_guard lock(mutex_);
      if (!segment->quiet()) continue;  // The append that is under way wakes us again when it is settled.
    }
    CO_TRY(co_await seal(segment));
  }
  co_return Unit{};
}

Task<> LocalDrive::seal(std::shared_ptr<OpenSegment> segment) {
  std::optional<std::vector<SummaryEntry>> entries;
  {
    const std::lock_guard lock(mutex_);
    entries = segment->summary();
  }
  if (!entries) {
    // Partly filled before the last start: its records are read back, payloads too. A rebuild of the index believes the
    // summary, and of a record that power loss tore the header may be sound.
    CO_TRY_LET(ScannedSegment scanned,
               co_await scan_segment(segment->file(), segment->identity(), kFirstRecordOffset, ScanDepth::blocks));
    entries = std::move(scanned.entries);
  }
  CO_TRY(co_await write_summary(*segment, *entries));
  const AsyncTurn::Pass turn = co_await index_turn_.enter();
  IndexBatch batch;
  {
    const std::lock_guard lock(mutex_);
    std::erase(closing_, segment);
    SegmentTable::Segment& sealed = segments_.at(segment->id());
    sealed.row.state = SegmentState::sealed;
    sealed.row.mark_bytes = segment->tail_bytes();
    sealed.use = SegmentTable::Use::idle;
    if (sealed.row.live_records == 0) sealed.died = std::chrono::steady_clock::now();
    batch.put(segment->id(), sealed.row);
    janitor_wanted_ = true;
  }
  co_return co_await write_index(batch);
}

Task<> LocalDrive::write_summary(const OpenSegment& segment, const std::vector<SummaryEntry>& entries) {
  if (segment.tail_bytes() + summary_and_footer_bytes(entries.size()) > identity_.segment_bytes) {
    // More records than were counted: the segment does without.
    log::warn("{}: no room for its summary", segment_path(segment.id()));
    co_return Unit{};
  }
  const Buffer summary = make_summary(segment.identity(), entries);
  auto outcome = co_await segment.file()->write(identity_.segment_bytes - summary.size(), summary.view());
  if (outcome) outcome = co_await segment.file()->sync();
  if (!outcome && outcome.code() != Errc::drive_full) fence(outcome.error());
  co_return outcome;
}

std::vector<SegmentId> LocalDrive::due_for_recycling(std::chrono::steady_clock::time_point now) {
  std::vector<SegmentId> due;
  std::optional<std::chrono::steady_clock::time_point> next;
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    SegmentTable::Segment& segment = segments_.at(SegmentId{i});
    if (!segment.died || segment.use != SegmentTable::Use::idle || segment.row.live_records != 0) continue;
    const auto when = *segment.died + options_.recycle_grace;
    if (when <= now) {
      segment.use = SegmentTable::Use::reclaimed;
      due.push_back(SegmentId{i});
    } else if (!next || when < *next) {
      next = when;
    }
  }
  if (next) wake_at(*next);
  return due;
}

Task<> LocalDrive::recycle_dead() {
  std::vector<SegmentId> due;
  {
    const std::lock_guard lock(mutex_);
    due = due_for_recycling(std::chrono::steady_clock::now());
  }
  if (due.empty()) co_return Unit{};
  {
    const AsyncTurn::Pass turn = co_await index_turn_.enter();
    IndexBatch batch;
    {
      const std::lock_guard lock(mutex_);
      for (const SegmentId id : due) {
        SegmentRow row = segments_.at(id).row;
        row.state = SegmentState::free;
        row.live_bytes = 0;
        row.records = 0;
        batch.put(id, row);
      }
    }
    CO_TRY(co_await write_index(batch));
  }
  // The index must have forgotten the old records for good before new ones take their place.
  auto flushed = co_await flush_index();
  const std::lock_guard lock(mutex_);
  for (const SegmentId id : due) {
    SegmentTable::Segment& segment = segments_.at(id);
    segment.use = SegmentTable::Use::idle;
    if (!flushed) continue;  // Still dead: tried again at the next occasion.
    segment.row.state = SegmentState::free;
    segment.row.live_bytes = 0;
    segment.row.records = 0;
    segment.died.reset();
    segment.damaged = false;
    ++stats_.segments_recycled;
    rewrite_rests_until_ = {};
  }
  if (flushed) log::debug("{}: {} segments recycled", directory_, due.size());
  co_return flushed;
}

void LocalDrive::wake_at(std::chrono::steady_clock::time_point when) {
  // The timer belongs to the home thread, on which the janitor runs.
  grace_timer_.expires_at(when);
  grace_timer_.async_wait([self = weak_from_this()](const boost::system::error_code& failure) {
    const auto drive = self.lock();
    if (failure || !drive) return;
    const std::lock_guard lock(drive->mutex_);
    drive->wake_janitor();
  });
}

}  // namespace firn::volume
