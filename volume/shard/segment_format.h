#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/volume/record.h"

/// Bytes of a segment beside its records: docs/formats/segment.md. Pure: parse from views, fill pages.
namespace firn::volume {

inline constexpr std::uint64_t kSegmentMagic = 0x0D4745534E524946ULL;  // "FIRNSEG\r", little endian.
inline constexpr std::uint64_t kFooterMagic = 0x0D4D55534E524946ULL;   // "FIRNSUM\r"
inline constexpr std::uint16_t kSegmentVersion = 1;
/// The header page is stored twice: one bad sector must not cost a segment's records when the index is rebuilt.
inline constexpr std::uint64_t kSegmentHeaderBytes = 2 * kPageBytes;
inline constexpr std::uint64_t kFirstRecordOffset = kSegmentHeaderBytes;

struct SegmentHeader {
  std::uint64_t magic;
  std::uint64_t xxh3;  ///< Of the page with this field zero.
  std::uint16_t version;
  std::uint8_t reserved0[6];  ///< Zero.
  std::uint64_t segment_bytes;
  std::uint32_t segment;
  std::uint32_t incarnation;      ///< From 1; rises each time the segment is taken again.
  std::uint64_t nonce;            ///< Random; in each record of this incarnation.
  std::uint64_t birth;            ///< Rises with each incarnation begun on the drive: orders duplicates.
  std::uint64_t created_unix_ms;  ///< For people.
  std::uint8_t cluster[16];
  std::uint8_t drive[16];
  std::uint8_t reserved1[4000];  ///< Zero.
};
static_assert(sizeof(SegmentHeader) == kPageBytes && std::is_trivially_copyable_v<SegmentHeader>);
static_assert(std::has_unique_object_representations_v<SegmentHeader>, "no hidden padding");

struct SegmentFooter {
  std::uint64_t magic;
  std::uint64_t xxh3;  ///< Of the page with this field zero.
  std::uint16_t version;
  std::uint8_t reserved0[6];  ///< Zero.
  std::uint32_t segment;
  std::uint32_t incarnation;
  std::uint64_t nonce;
  std::uint64_t birth;
  std::uint64_t entries;
  std::uint64_t summary_xxh3;  ///< Of the entries' bytes, which end where this page begins, padded to whole pages.
  std::uint64_t tail_bytes;    ///< End of the last record.
  std::uint8_t cluster[16];
  std::uint8_t drive[16];
  std::uint8_t reserved1[3992];  ///< Zero.
};
static_assert(sizeof(SegmentFooter) == kPageBytes && std::is_trivially_copyable_v<SegmentFooter>);
static_assert(std::has_unique_object_representations_v<SegmentFooter>, "no hidden padding");

/// One record of a sealed segment.
struct SummaryEntry {
  std::uint64_t lease;
  std::uint64_t counter;
  std::uint64_t extent_bytes;
  std::uint32_t stripe;
  std::uint32_t set;
  std::uint32_t set_epoch;
  std::uint32_t page;  ///< Offset of the record in pages.
  std::uint16_t stored_blocks;
  std::uint16_t chunk_blocks;
  std::uint8_t shard;
  std::uint8_t reserved[3];  ///< Zero.

  RecordKey key() const { return {{LeaseId{lease}, counter}, stripe, shard}; }
  std::uint64_t offset_bytes() const { return std::uint64_t{page} * kPageBytes; }
  std::uint64_t end_bytes() const { return offset_bytes() + kPageBytes + std::uint64_t{stored_blocks} * kBlockBytes; }
};
static_assert(sizeof(SummaryEntry) == 48 && std::has_unique_object_representations_v<SummaryEntry>);

/// Which incarnation of which segment of which drive.
struct SegmentIdentity {
  Uuid cluster;
  Uuid drive;
  SegmentId segment;
  std::uint64_t segment_bytes = 0;
  std::uint32_t incarnation = 0;
  std::uint64_t nonce = 0;
  std::uint64_t birth = 0;
};

/// Both copies of a header, sealed.
Buffer make_segment_header(const SegmentIdentity& identity, std::uint64_t created_unix_ms);
/// From both copies: the sound one with the higher incarnation. Errc::not_found when the file was never taken (all
/// zeros, or torn before the first record), unsupported_version when any copy says so, corrupt when the sound ones are
/// of another drive or segment.
Result<SegmentIdentity> parse_segment_header(ByteView both, const SegmentIdentity& expected);

/// Pages that a summary of `records` and the footer take at the segment's end.
constexpr std::uint64_t summary_and_footer_bytes(std::uint64_t records) {
  return round_up_to_page(records * sizeof(SummaryEntry)) + kPageBytes;
}
/// Summary and footer, sealed: goes to segment_bytes - size. Entries in rising order of page.
Buffer make_summary(const SegmentIdentity& identity, const std::vector<SummaryEntry>& entries);
struct SummaryPlace {
  std::uint64_t entries = 0;
  std::uint64_t entries_offset_bytes = 0;
  std::uint64_t summary_xxh3 = 0;
  std::uint64_t tail_bytes = 0;
};
/// Errc::not_found when there is no summary of this incarnation.
Result<SummaryPlace> parse_footer(ByteView page, const SegmentIdentity& identity);
/// Checks the entries' checksum, order and bounds. Errc::corrupt.
Result<std::vector<SummaryEntry>> parse_summary(ByteView pages, const SummaryPlace& place);

/// Whether `header` is a record written at this place of this incarnation. `verify_header` must have passed.
bool is_record_at(const RecordHeader& header, const SegmentIdentity& identity, std::uint64_t offset_bytes);

}  // namespace firn::volume
