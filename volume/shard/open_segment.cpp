#include "shard/open_segment.h"

#include <algorithm>

#include "firn/base/assert.h"

namespace firn::volume {

void OpenSegment::resume(std::uint64_t tail_bytes, std::uint32_t records) {
  FIRN_ASSERT(places_.empty() && tail_bytes % kPageBytes == 0 && tail_bytes >= kFirstRecordOffset);
  tail_bytes_ = tail_bytes;
  records_ = records;
  entries_complete_ = records == 0;
}

bool OpenSegment::has_room(std::uint64_t record_bytes) const {
  // Every write under way may become a record.
  const std::uint64_t records = std::uint64_t{records_} + writing_ + 1;
  return tail_bytes_ + record_bytes + summary_and_footer_bytes(records) <= identity_.segment_bytes;
}

bool OpenSegment::in_window(std::uint64_t record_bytes) const {
  if (writing_ticket_ - first_ticket_ >= places_.size()) return true;  // Nothing is being written.
  const std::uint64_t lowest = places_[writing_ticket_ - first_ticket_].offset_bytes;
  return tail_bytes_ + record_bytes - lowest <= kAppendWindowBytes;
}

OpenSegment::Place OpenSegment::reserve(std::uint64_t record_bytes) {
  FIRN_ASSERT(record_bytes % kPageBytes == 0 && has_room(record_bytes));
  const Place place{.offset_bytes = tail_bytes_, .ticket = first_ticket_ + places_.size()};
  places_.push_back({place.offset_bytes, State::writing});
  tail_bytes_ += record_bytes;
  ++writing_;
  return place;
}

OpenSegment::Pending& OpenSegment::at(std::uint64_t ticket) {
  FIRN_ASSERT(ticket >= first_ticket_ && ticket - first_ticket_ < places_.size());
  return places_[ticket - first_ticket_];
}

void OpenSegment::written(std::uint64_t ticket, const std::optional<SummaryEntry>& entry) {
  Pending& place = at(ticket);
  FIRN_ASSERT(place.state == State::writing);
  place.state = State::written;
  --writing_;
  dirty = true;
  if (entry) {
    ++records_;
    if (entries_complete_) entries_.push_back(*entry);
  }
  while (writing_ticket_ - first_ticket_ < places_.size() &&
         places_[writing_ticket_ - first_ticket_].state != State::writing) {
    ++writing_ticket_;
  }
}

void OpenSegment::settled(std::uint64_t ticket) {
  Pending& place = at(ticket);
  FIRN_ASSERT(place.state == State::written);
  place.state = State::settled;
  while (!places_.empty() && places_.front().state == State::settled) {
    places_.pop_front();
    ++first_ticket_;
  }
}

std::uint64_t OpenSegment::mark_bytes() const { return places_.empty() ? tail_bytes_ : places_.front().offset_bytes; }

std::optional<std::vector<SummaryEntry>> OpenSegment::summary() const {
  if (!entries_complete_) return std::nullopt;
  std::vector<SummaryEntry> sorted = entries_;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.page < b.page; });
  return sorted;
}

}  // namespace firn::volume
