#include "shard/open_segment.h"

#include <gtest/gtest.h>

namespace firn::volume {
namespace {

constexpr std::uint64_t kSegmentBytes = 16ULL << 20;
constexpr std::uint64_t kRecord = 3 * kPageBytes;

OpenSegment make_segment() {
  return OpenSegment(SegmentIdentity{.segment_bytes = kSegmentBytes, .incarnation = 1}, nullptr);
}

SummaryEntry entry_at(const OpenSegment::Place& place) {
  SummaryEntry entry{};
  entry.page = static_cast<std::uint32_t>(place.offset_bytes / kPageBytes);
  entry.stored_blocks = 2;
  return entry;
}

TEST(OpenSegment, MovesItsMarkOnlyOverWhatTheIndexHolds) {
  OpenSegment segment = make_segment();
  const auto first = segment.reserve(kRecord);
  const auto second = segment.reserve(kRecord);
  EXPECT_EQ(second.offset_bytes, first.offset_bytes + kRecord);
  segment.written(second.ticket, entry_at(second));
  segment.settled(second.ticket);
  EXPECT_EQ(segment.mark_bytes(), first.offset_bytes) << "the first is still being written";
  segment.written(first.ticket, entry_at(first));
  EXPECT_EQ(segment.mark_bytes(), first.offset_bytes) << "written, but not in the index";
  EXPECT_FALSE(segment.quiet());
  segment.settled(first.ticket);
  EXPECT_EQ(segment.mark_bytes(), segment.tail_bytes());
  EXPECT_TRUE(segment.quiet());
}

TEST(OpenSegment, ReachesNoFurtherThanAScanLooks) {
  OpenSegment segment = make_segment();
  const auto first = segment.reserve(kRecord);
  std::vector<OpenSegment::Place> others;
  while (segment.in_window(1 << 20)) others.push_back(segment.reserve(1 << 20));
  EXPECT_LE(segment.tail_bytes() - first.offset_bytes, kAppendWindowBytes);
  EXPECT_GE(others.size(), 6U);
  for (const auto& place : others) segment.written(place.ticket, std::nullopt);
  EXPECT_FALSE(segment.in_window(1 << 20)) << "the first write alone holds the window";
  segment.written(first.ticket, entry_at(first));
  EXPECT_TRUE(segment.in_window(1 << 20));
}

TEST(OpenSegment, KeepsRoomForItsSummary) {
  OpenSegment segment = make_segment();
  std::uint64_t records = 0;
  while (segment.has_room(kPageBytes)) {
    const auto place = segment.reserve(kPageBytes);
    segment.written(place.ticket, entry_at(place));
    if (records % 2 == 0) segment.settled(place.ticket);
    ++records;
  }
  EXPECT_LE(segment.tail_bytes() + summary_and_footer_bytes(records), kSegmentBytes);
  EXPECT_GT(segment.tail_bytes() + summary_and_footer_bytes(records) + 3 * kPageBytes, kSegmentBytes);
}

TEST(OpenSegment, SummarisesInOrderOfPlaceWhatBecameARecord) {
  OpenSegment segment = make_segment();
  const auto first = segment.reserve(kRecord);
  const auto failed = segment.reserve(kRecord);
  const auto last = segment.reserve(kRecord);
  segment.written(last.ticket, entry_at(last));
  segment.written(failed.ticket, std::nullopt);
  segment.written(first.ticket, entry_at(first));
  const auto summary = segment.summary();
  ASSERT_TRUE(summary);
  ASSERT_EQ(summary->size(), 2U);
  EXPECT_EQ(summary->front().offset_bytes(), first.offset_bytes);
  EXPECT_EQ(summary->back().offset_bytes(), last.offset_bytes);
}

TEST(OpenSegment, KnowsNoSummaryOfWhatItWasNotThereFor) {
  OpenSegment segment = make_segment();
  segment.resume(kFirstRecordOffset + kRecord, 1);
  EXPECT_EQ(segment.reserve(kRecord).offset_bytes, kFirstRecordOffset + kRecord);
  EXPECT_FALSE(segment.summary());
}

}  // namespace
}  // namespace firn::volume
