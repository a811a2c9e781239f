#include "shard/segment_table.h"

#include <algorithm>

namespace firn::volume {

SegmentTable::Segment& SegmentTable::add(SegmentId id) {
  if (!contains(id)) segments_.resize(id.value + std::size_t{1});
  return at(id);
}

std::uint32_t SegmentTable::free_segments() const {
  return static_cast<std::uint32_t>(std::count_if(segments_.begin(), segments_.end(), [](const Segment& segment) {
    return segment.present && segment.row.state == SegmentState::free && segment.use == Use::idle;
  }));
}

std::optional<SegmentId> SegmentTable::take_free() {
  for (std::uint32_t i = 0; i < size(); ++i) {
    Segment& segment = segments_[i];
    if (!segment.present || segment.row.state != SegmentState::free || segment.use != Use::idle) continue;
    segment.use = Use::taken;
    return SegmentId{i};
  }
  return std::nullopt;
}

void SegmentTable::add_live(const RecordRow& row) {
  Segment& segment = at(row.segment);
  segment.row.live_bytes += row.record_bytes();
  ++segment.row.live_records;
  segment.died.reset();
}

void SegmentTable::remove_live(const RecordRow& row, std::chrono::steady_clock::time_point now) {
  if (!contains(row.segment)) return;
  Segment& segment = at(row.segment);
  // A row of an earlier life says nothing of this one.
  if (segment.row.incarnation != row.incarnation || segment.row.live_records == 0) return;
  --segment.row.live_records;
  segment.row.live_bytes -= std::min(segment.row.live_bytes, row.record_bytes());
  if (segment.row.live_records == 0) {
    segment.row.live_bytes = 0;
    if (segment.row.state == SegmentState::sealed) segment.died = now;
  }
}

std::shared_ptr<DiskFile> SegmentTable::file(SegmentId id) {
  Segment& segment = at(id);
  segment.last_used = ++use_counter_;
  return segment.file;
}

void SegmentTable::keep_file(SegmentId id, std::shared_ptr<DiskFile> file) {
  Segment& segment = at(id);
  if (!segment.file) ++open_files_;
  segment.file = std::move(file);
  segment.last_used = ++use_counter_;
  if (open_files_ <= kOpenFilesMax) return;
  Segment* oldest = nullptr;
  for (Segment& other : segments_) {
    if (other.file && &other != &segment && (oldest == nullptr || other.last_used < oldest->last_used)) oldest = &other;
  }
  if (oldest == nullptr) return;
  oldest->file.reset();  // Whoever reads from it holds it.
  --open_files_;
}

std::uint64_t SegmentTable::live_bytes() const {
  std::uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.row.live_bytes;
  return sum;
}

std::uint32_t SegmentTable::occupied_segments() const {
  return static_cast<std::uint32_t>(std::count_if(segments_.begin(), segments_.end(), [](const Segment& segment) {
    return segment.row.state != SegmentState::free || segment.use == Use::taken;
  }));
}

std::optional<SegmentId> SegmentTable::emptiest(std::uint64_t live_bytes_max) {
  std::optional<SegmentId> best;
  for (std::uint32_t i = 0; i < size(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.row.state != SegmentState::sealed || segment.use != Use::idle || segment.damaged) continue;
    if (segment.row.live_records == 0 || segment.row.live_bytes > live_bytes_max) continue;
    if (!best || segment.row.live_bytes < at(*best).row.live_bytes) best = SegmentId{i};
  }
  return best;
}

}  // namespace firn::volume
