// LocalDrive: moves live records out of segments that are mostly dead, so that they can be recycled.

#include <algorithm>
#include <cstring>

#include "firn/base/log.h"
#include "server/local_drive.h"
#include "server/pace.h"

namespace firn::volume {
namespace {

/// Live share, in percent of a segment, up to which moving the rest is worth its bandwidth: half a segment is read and
/// written to win one half.
constexpr std::uint64_t kLivePercentMax = 50;
/// The same while space is short: anything that wins a sixth of a segment.
constexpr std::uint64_t kLivePercentMaxWhenShort = 84;
/// Space is short when fewer segments than this share of the drive can still be taken, and always below two.
constexpr std::uint64_t kShortShare = 20;
constexpr std::uint64_t kShortSegmentsMin = 2;
/// Moved before they are flushed and the index is repointed, together.
constexpr std::size_t kMovesMax = 64;
/// After it found no room: every append that a full drive refuses would otherwise have it read a segment in vain.
constexpr std::chrono::seconds kRestWhenFull{1};

}  // namespace

Task<std::optional<SegmentId>> LocalDrive::pick_for_rewriting() {
  CO_TRY_LET(const DiskSpace space, co_await disk_.space(directory_));
  const std::uint64_t keep = reserve_bytes(space);
  const std::uint64_t creatable = space.free_bytes > keep ? (space.free_bytes - keep) / identity_.segment_bytes : 0;
  const std::lock_guard lock(mutex_);
  if (fence_reason_ || stopping_) co_return std::optional<SegmentId>{};
  const std::uint64_t takable = creatable + segments_.free_segments();
  const bool is_short = takable <= std::max(kShortSegmentsMin, (segments_.size() + creatable) / kShortShare);
  const std::uint64_t percent = is_short ? kLivePercentMaxWhenShort : kLivePercentMax;
  const auto picked = segments_.emptiest(identity_.segment_bytes / 100 * percent);
  if (picked) segments_.at(*picked).use = SegmentTable::Use::reclaimed;
  co_return picked;
}

Task<> LocalDrive::rewrite() {
  for (;;) {
    auto picked = co_await pick_for_rewriting();
    if (!picked || !*picked) break;
    const SegmentId id = **picked;
    const std::uint64_t recycled = stats().segments_recycled;
    auto emptied = co_await empty_segment(id);
    const std::lock_guard lock(mutex_);
    SegmentTable::Segment& segment = segments_.at(id);
    segment.use = SegmentTable::Use::idle;
    if (emptied.code() == Errc::drive_full) {
      if (stats_.segments_recycled != recycled) continue;  // There is room now.
      rewrite_rests_until_ = std::chrono::steady_clock::now() + kRestWhenFull;
      rewrite_running_ = false;
      co_return Unit{};
    }
    if (!emptied) {
      log::info("{}: segment {} is not rewritten: {}", directory_, id.value, emptied.error().detail);
      segment.damaged = emptied.code() == Errc::corrupt || emptied.code() == Errc::unsupported_version ||
                        emptied.code() == Errc::io_error;
      if (!segment.damaged) break;  // Fenced or stopping: not this segment's fault.
      continue;
    }
    // Every record was looked at: what the count still says is of records appended twice.
    segment.row.live_bytes = 0;
    segment.row.live_records = 0;
    segment.died = std::chrono::steady_clock::now();
    wake_janitor();
  }
  const std::lock_guard lock(mutex_);
  rewrite_running_ = false;
  co_return Unit{};
}

Task<> LocalDrive::empty_segment(SegmentId id) {
  CO_TRY_LET(auto file, co_await segment_file(id));
  SegmentIdentity identity = identity_of(id);
  {
    const std::lock_guard lock(mutex_);
    const SegmentRow& row = segments_.at(id).row;
    identity.incarnation = row.incarnation;
    identity.nonce = row.nonce;
    identity.birth = row.birth;
  }
  auto entries = co_await read_summary(file, identity);
  if (!entries && entries.code() != Errc::not_found && entries.code() != Errc::corrupt) {
    co_return std::move(entries).error();
  }
  if (!entries) {
    CO_TRY_LET(ScannedSegment scanned, co_await scan_segment(file, identity, kFirstRecordOffset, ScanDepth::headers));
    entries = std::move(scanned.entries);
  }
  Pace pace(options_.rewrite_bytes_per_second, stopping_);
  std::vector<Move> moves;
  Result<> outcome;
  for (const SummaryEntry& entry : *entries) {
    auto moved = co_await move_record(entry, identity, file);
    if (!moved) {
      outcome = std::move(moved).error();
      break;
    }
    if (!*moved) continue;
    const std::uint64_t bytes = (*moved)->from.record_bytes();
    moves.push_back(std::move(**moved));
    if (moves.size() >= kMovesMax) CO_TRY(co_await finish_moves(std::exchange(moves, {})));
    co_await pace.spent(2 * bytes);
  }
  // What was moved before a failure counts, too: its places must be settled.
  CO_TRY(co_await finish_moves(std::move(moves)));
  co_return outcome;
}

Task<std::optional<LocalDrive::Move>> LocalDrive::move_record(const SummaryEntry& entry, const SegmentIdentity& from,
                                                              const std::shared_ptr<DiskFile>& file) {
  if (stopping_ || fenced()) co_return error(Errc::cancelled, "the drive is closing");
  auto live = co_await find(entry.key());
  if (!live && live.code() == Errc::not_found) co_return std::optional<Move>{};
  if (!live) co_return std::move(live).error();
  Move move{.key = entry.key(), .from = *live, .to = *live, .segment = nullptr, .ticket = 0};
  const RecordRow here{.segment = from.segment, .incarnation = from.incarnation, .page = entry.page};
  if (!live->same_place(here)) co_return std::optional<Move>{};

  Buffer record(live->record_bytes());
  auto sound = co_await file->read(live->offset_bytes(), record.span());
  RecordHeader& header = *reinterpret_cast<RecordHeader*>(record.data());
  if (sound) sound = verify_identity(header, move.key);
  if (sound && (!is_record_at(header, from, live->offset_bytes()) || header.stored_bytes != live->stored_bytes)) {
    sound = error(Errc::corrupt, "not the record that the index names");
  }
  if (sound) sound = verify_blocks(header, 0, record.view().subspan(kPageBytes));
  if (!sound) {
    report_damage({.key = move.key, .set = live->set, .reason = sound.error().code}, sound.error());
    co_return std::move(sound).error();
  }
  CO_TRY_LET(Reserved reserved, co_await reserve(rewriting_, record.size(), nullptr));
  const SegmentIdentity& to = reserved.segment->identity();
  header.segment = to.segment.value;
  header.segment_incarnation = to.incarnation;
  header.segment_nonce = to.nonce;
  header.offset_bytes = reserved.place.offset_bytes;
  seal_header(header);
  auto written = co_await reserved.segment->file()->write(reserved.place.offset_bytes, record.view());

  move.to.segment = to.segment;
  move.to.incarnation = to.incarnation;
  move.to.page = static_cast<std::uint32_t>(reserved.place.offset_bytes / kPageBytes);
  move.segment = reserved.segment;
  move.ticket = reserved.place.ticket;
  const std::lock_guard lock(mutex_);
  reserved.segment->written(reserved.place.ticket, written ? std::optional(summary_entry(header)) : std::nullopt);
  room_.notify_all();
  if (!written) co_return write_failed(rewriting_, reserved, written.error());
  count_written(record.size());
  stats_.rewritten_bytes += record.size();
  co_return std::optional(std::move(move));
}

Task<> LocalDrive::finish_moves(std::vector<Move> moves) {
  if (moves.empty()) co_return Unit{};
  CO_TRY(co_await flush_now());
  const AsyncTurn::Pass turn = co_await index_turn_.enter();
  std::vector<bool> current(moves.size());
  Result<> looked_up;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    // Removed or appended anew while it was moved? Nobody else changes the index during our turn.
    const auto found = co_await find(moves[i].key);
    current[i] = found && found->same_place(moves[i].from);
    // Not known: the index may still point to the old place, so the segment must not count as emptied.
    if (!found && found.code() != Errc::not_found) looked_up = found.error();
  }
  IndexBatch batch;
  {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    std::unordered_set<SegmentId> touched;
    for (std::size_t i = 0; i < moves.size(); ++i) {
      const Move& move = moves[i];
      move.segment->settled(move.ticket);
      touched.insert(move.to.segment);
      SegmentRow& row = segments_.at(move.to.segment).row;
      row.mark_bytes = move.segment->mark_bytes();
      row.records = move.segment->records();
      if (!current[i]) continue;
      batch.put(move.key, move.to);
      segments_.remove_live(move.from, now);
      segments_.add_live(move.to);
      touched.insert(move.from.segment);
    }
    for (const SegmentId segment : touched) batch.put(segment, segments_.at(segment).row);
  }
  CO_TRY(co_await write_index(batch));
  const std::lock_guard lock(mutex_);
  if (!closing_.empty()) wake_janitor();
  co_return looked_up;
}

}  // namespace firn::volume
