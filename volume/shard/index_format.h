#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/volume/record.h"

/// Rows of a drive's index: docs/formats/index.md. Pure.
namespace firn::volume {

/// Where a record is, and what lists say of it.
struct RecordRow {
  SegmentId segment;
  std::uint32_t incarnation = 0;
  std::uint32_t page = 0;  ///< Of the header, in pages from the segment's start.
  std::uint32_t stored_bytes = 0;
  std::uint32_t chunk_bytes = 0;
  SetId set;
  SetEpoch set_epoch;
  std::uint64_t extent_bytes = 0;

  std::uint64_t offset_bytes() const { return std::uint64_t{page} * kPageBytes; }
  std::uint64_t record_bytes() const { return kPageBytes + std::uint64_t{stored_bytes}; }
  std::uint64_t end_bytes() const { return offset_bytes() + record_bytes(); }
  bool same_place(const RecordRow& other) const {
    return segment == other.segment && incarnation == other.incarnation && page == other.page;
  }
};

enum class SegmentState : std::uint8_t {
  free = 0,    ///< May be taken.
  active = 1,  ///< Takes appends.
  sealed = 2,
};

struct SegmentRow {
  SegmentState state = SegmentState::free;
  std::uint32_t incarnation = 0;
  std::uint64_t nonce = 0;
  std::uint64_t birth = 0;
  std::uint64_t mark_bytes = 0;  ///< The index holds every live record below it.
  std::uint64_t live_bytes = 0;
  std::uint32_t live_records = 0;
  std::uint32_t records = 0;
};

/// What the index says of itself.
struct IndexRow {
  Uuid drive;
  bool complete = false;
};

/// Records of this lease and later ones came back by a scan or a rebuild, and nobody has noted yet that they must be
/// looked through.
struct RecoveredRow {
  LeaseId from;
};

inline constexpr std::size_t kRecordKeyBytes = 22;
inline constexpr std::size_t kExtentPrefixBytes = 17;

std::string index_key();
std::string recovered_key();
std::string record_key(const RecordKey& key);
std::string extent_prefix(const ExtentId& extent);
std::string segment_key(SegmentId segment);
/// False when `key` is not of that kind.
bool parse_record_key(std::string_view key, RecordKey& parsed);
bool parse_segment_key(std::string_view key, SegmentId& parsed);

std::string make_row(const RecordRow& row);
std::string make_row(const SegmentRow& row);
std::string make_row(const IndexRow& row);
std::string make_row(const RecoveredRow& row);
/// Errc::corrupt or unsupported_version.
Result<RecordRow> parse_record_row(std::string_view row);
Result<SegmentRow> parse_segment_row(std::string_view row);
Result<IndexRow> parse_index_row(std::string_view row);
Result<RecoveredRow> parse_recovered_row(std::string_view row);

}  // namespace firn::volume
