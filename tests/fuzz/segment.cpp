// Headers, footers and summaries of segments, and the rows of a drive's index: whatever was found, what is believed
// lies inside the segment and in order.
#include <cstdint>
#include <string>
#include <string_view>

#include "firn/base/assert.h"
#include "firn/base/checksum.h"
#include "pages.h"
#include "shard/index_format.h"
#include "shard/sealed_page.h"
#include "shard/segment_format.h"

namespace {

using namespace firn;
using namespace firn::volume;

SegmentIdentity some_identity() {
  SegmentIdentity identity;
  identity.cluster.bytes[0] = 1;
  identity.drive.bytes[0] = 2;
  identity.segment = SegmentId{3};
  identity.segment_bytes = 4 << 20;
  identity.incarnation = 5;
  identity.nonce = 6;
  return identity;
}

template <class Page>
Page laid_over(std::string_view valid, std::string_view input) {
  auto page = fuzz::page_of<Page>(valid);
  constexpr std::size_t kSealBytes = 2 * sizeof(std::uint64_t);
  input.copy(reinterpret_cast<char*>(&page) + kSealBytes, sizeof page - kSealBytes);
  seal_page(page);
  return page;
}

void header(std::string_view input) {
  const SegmentIdentity expected = some_identity();
  (void)parse_segment_header(as_bytes(input), expected);
  const Buffer valid = make_segment_header(expected, 7);
  const auto page = laid_over<SegmentHeader>(as_text(valid.view()), input);
  const auto found = parse_segment_header(fuzz::bytes_of(page), expected);
  if (found) FIRN_ASSERT(found->incarnation > 0 && found->segment == expected.segment);
}

void summary(std::string_view input) {
  const SegmentIdentity identity = some_identity();
  const Buffer valid = make_summary(identity, {});
  const auto page = laid_over<SegmentFooter>(as_text(valid.view()), input);
  auto place = parse_footer(fuzz::bytes_of(page), identity);
  if (!place) return;
  FIRN_ASSERT(place->tail_bytes <= place->entries_offset_bytes && place->entries_offset_bytes < identity.segment_bytes);
  std::string entries(place->entries * sizeof(SummaryEntry), '\0');
  fuzz::behind<SegmentFooter>(input).copy(entries.data(), entries.size());
  place->summary_xxh3 = xxh3(as_bytes(entries));
  const auto found = parse_summary(as_bytes(entries), *place);
  if (found && !found->empty()) FIRN_ASSERT(found->back().end_bytes() <= place->entries_offset_bytes);
}

void entries(std::string_view input) {
  SummaryPlace place{.entries = input.size() / sizeof(SummaryEntry), .tail_bytes = 4 << 20};
  place.summary_xxh3 = xxh3(as_bytes(input.substr(0, place.entries * sizeof(SummaryEntry))));
  const auto found = parse_summary(as_bytes(input), place);
  if (!found) return;
  std::uint64_t end = kFirstRecordOffset;
  for (const SummaryEntry& entry : *found) {
    FIRN_ASSERT(entry.offset_bytes() >= end && entry.end_bytes() <= place.tail_bytes);
    end = entry.end_bytes();
  }
}

void rows(std::string_view input) {
  if (const auto row = parse_record_row(input)) FIRN_ASSERT(make_row(*row) == input);
  if (const auto row = parse_segment_row(input)) FIRN_ASSERT(make_row(*row) == input);
  if (const auto row = parse_index_row(input)) FIRN_ASSERT(parse_index_row(make_row(*row))->complete == row->complete);
  if (const auto row = parse_recovered_row(input)) FIRN_ASSERT(make_row(*row) == input);
  RecordKey key;
  if (parse_record_key(input, key)) FIRN_ASSERT(record_key(key) == input);
  SegmentId segment;
  if (parse_segment_key(input, segment)) FIRN_ASSERT(segment_key(segment) == input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr void (*kTargets[])(std::string_view) = {header, summary, entries, rows};
  kTargets[data[0] % std::size(kTargets)](input);
  return 0;
}
