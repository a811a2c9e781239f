#include "server/index_rebuild.h"

#include <algorithm>

#include "firn/base/log.h"

namespace firn::volume {
namespace {

/// Rows written together; the segment's own row comes with the last of them.
constexpr std::size_t kBatchRecords = 4096;

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

/// Whether the copy at `row`, of a segment born at `birth`, replaces `known`.
bool is_newer(SegmentTable& segments, const RecordRow& row, std::uint64_t birth, const RecordRow& known) {
  if (!segments.contains(known.segment)) return true;
  const SegmentRow& other = segments.at(known.segment).row;
  if (other.incarnation != known.incarnation) return true;  // Its segment lives another life.
  return std::pair(birth, row.page) > std::pair(other.birth, known.page);
}

/// A record may have been appended twice to one segment. Only the last copy counts: counting both would take the copy
/// they replace from its segment's live records twice.
std::vector<SummaryEntry> last_of_each_key(const std::vector<SummaryEntry>& entries) {
  std::vector<SummaryEntry> last = entries;
  const auto by_key = [](const SummaryEntry& a, const SummaryEntry& b) {
    return std::pair(a.key(), b.page) < std::pair(b.key(), a.page);  // The highest place first.
  };
  const auto same_key = [](const SummaryEntry& a, const SummaryEntry& b) { return a.key() == b.key(); };
  std::sort(last.begin(), last.end(), by_key);
  last.erase(std::unique(last.begin(), last.end(), same_key), last.end());
  return last;
}

/// A record came back. That is durable no later than the record's row, or a second crash would hide it.
void note_recovered(DriveStats& stats, LeaseId lease, IndexBatch& batch) {
  if (!stats.recovered_from || lease < *stats.recovered_from) stats.recovered_from = lease;
  batch.put(RecoveredRow{.from = *stats.recovered_from});
}

}  // namespace

Result<std::size_t> index_entries(DriveParts& parts, const SegmentIdentity& segment,
                                  const std::vector<SummaryEntry>& entries, std::uint64_t mark_bytes) {
  const auto now = std::chrono::steady_clock::now();
  Index& index = *parts.index;
  SegmentTable& segments = parts.segments;
  std::size_t added = 0;
  IndexBatch batch;
  std::vector<SegmentId> touched;
  for (const SummaryEntry& entry : last_of_each_key(entries)) {
    const RecordRow row = row_of(entry, segment);
    auto known = index.find_blocking(entry.key());
    if (!known && known.code() != Errc::not_found) return std::move(known).error();
    if (known && (known->same_place(row) || !is_newer(segments, row, segment.birth, *known))) continue;
    if (known) {
      segments.remove_live(*known, now);
      if (segments.contains(known->segment)) touched.push_back(known->segment);
    }
    segments.add_live(row);
    if (added % kBatchRecords == 0 || entry.key().extent.lease < *parts.stats.recovered_from) {
      note_recovered(parts.stats, entry.key().extent.lease, batch);
    }
    batch.put(entry.key(), row);
    if (++added % kBatchRecords != 0) continue;
    if (auto written = index.write_blocking(batch); !written) return std::move(written).error();
    batch = IndexBatch();
  }
  SegmentRow& own = segments.at(segment.segment).row;
  own.mark_bytes = mark_bytes;
  // Some may have been counted before; too many only keeps a little room free.
  own.records += static_cast<std::uint32_t>(entries.size());
  touched.push_back(segment.segment);
  for (const SegmentId id : touched) batch.put(id, segments.at(id).row);
  if (auto written = index.write_blocking(batch); !written) return std::move(written).error();
  return added;
}

Task<> IndexRebuild::run() {
  CO_TRY(co_await read_headers());
  for (Found& found : taken_) CO_TRY(co_await add(std::move(found)));
  CO_TRY(co_await finish());
  if (!present_.empty()) log::warn("{}: index rebuilt: {} records", parts_.directory, records_);
  co_return Unit{};
}

std::string IndexRebuild::segment_path(SegmentId id) const {
  return parts_.directory + "/" + kSegmentsDirectory + "/" + segment_file_name(id);
}

Task<> IndexRebuild::read_headers() {
  for (const SegmentId id : present_) {
    CO_TRY_LET(auto file, co_await parts_.disk.open(segment_path(id), Disk::Open::existing));
    CO_TRY(co_await file->preallocate(parts_.identity.segment_bytes));
    const SegmentIdentity expected{.cluster = parts_.identity.cluster,
                                   .drive = parts_.identity.drive,
                                   .segment = id,
                                   .segment_bytes = parts_.identity.segment_bytes};
    auto header = co_await read_segment_header(file, expected);
    if (!header && header.code() == Errc::not_found) continue;  // Never taken: free.
    if (!header) co_return std::move(header).error();
    parts_.birth = std::max(parts_.birth, header->birth);
    parts_.segments.at(id).row = SegmentRow{.state = SegmentState::active,
                                            .incarnation = header->incarnation,
                                            .nonce = header->nonce,
                                            .birth = header->birth,
                                            .mark_bytes = kFirstRecordOffset};
    taken_.push_back({*header, std::move(file)});
  }
  std::sort(taken_.begin(), taken_.end(),
            [](const Found& a, const Found& b) { return a.identity.birth < b.identity.birth; });
  co_return Unit{};
}

Task<> IndexRebuild::add(Found found) {
  SegmentRow& row = parts_.segments.at(found.identity.segment).row;
  ScannedSegment scanned;
  auto summary = co_await read_summary(found.file, found.identity);
  const bool sealed = summary.has_value();
  if (sealed) {
    scanned.entries = std::move(summary).value();
    if (!scanned.entries.empty()) scanned.tail_bytes = scanned.entries.back().end_bytes();
  } else if (summary.code() == Errc::unsupported_version || summary.code() == Errc::io_error) {
    co_return std::move(summary).error();
  } else {
    // No summary: it was being filled. Nobody knows what of it was synced, so payloads are verified as well.
    CO_TRY_LET(scanned, co_await scan_segment(found.file, found.identity, kFirstRecordOffset, ScanDepth::blocks));
    CO_TRY(co_await found.file->sync());
  }
  if (scanned.tail_bytes == kFirstRecordOffset) {
    row.state = SegmentState::free;  // Prepared, but not used.
    co_return Unit{};
  }
  if (sealed) row.state = SegmentState::sealed;
  std::function<Result<std::size_t>()> work = [this, &found, &scanned] {
    return index_entries(parts_, found.identity, scanned.entries, scanned.tail_bytes);
  };
  CO_TRY_LET(const std::size_t added, co_await run_blocking(parts_.runtime, std::move(work)));
  records_ += added;
  parts_.stats.records_torn += scanned.torn_records;
  if (sealed) co_return Unit{};
  auto segment = std::make_shared<OpenSegment>(found.identity, std::move(found.file));
  segment->resume(scanned.tail_bytes, row.records);
  parts_.segments.at(segment->id()).use = SegmentTable::Use::taken;
  parts_.open_segments.push_back(std::move(segment));
  co_return Unit{};
}

Task<> IndexRebuild::finish() {
  std::function<Result<>()> work = [this]() -> Result<> {
    // The head says "complete": it must not become durable before the rows.
    if (auto flushed = parts_.index->flush(); !flushed) return flushed;
    IndexBatch batch;
    batch.put(IndexRow{.drive = parts_.identity.drive, .complete = true});
    if (auto written = parts_.index->write_blocking(batch); !written) return written;
    return parts_.index->flush();
  };
  co_return co_await run_blocking(parts_.runtime, std::move(work));
}

}  // namespace firn::volume
