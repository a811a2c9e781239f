#pragma once

#include <memory>
#include <vector>

#include "firn/base/result.h"
#include "firn/volume/disk.h"
#include "shard/segment_format.h"

namespace firn::volume {

/// What a walk over a segment's records found.
struct ScannedSegment {
  std::vector<SummaryEntry> entries;              ///< In order of place.
  std::uint64_t tail_bytes = kFirstRecordOffset;  ///< Where appends may go on.
  std::uint64_t torn_records = 0;                 ///< A sound header, but not its blocks.
};

enum class ScanDepth : std::uint8_t { headers, blocks };

/// Reads the records from `from_bytes` on: docs/formats/segment.md, "scan". ScanDepth::blocks verifies payloads too and
/// leaves torn records out. Errc::unsupported_version when a newer node wrote one.
Task<ScannedSegment> scan_segment(std::shared_ptr<DiskFile> file, SegmentIdentity identity, std::uint64_t from_bytes,
                                  ScanDepth depth);

/// The summary of a sealed segment; Errc::not_found or corrupt: walk instead.
Task<std::vector<SummaryEntry>> read_summary(std::shared_ptr<DiskFile> file, SegmentIdentity identity);

/// `expected` completed by what the file's header says. Errors of parse_segment_header.
Task<SegmentIdentity> read_segment_header(std::shared_ptr<DiskFile> file, SegmentIdentity expected);

SummaryEntry summary_entry(const RecordHeader& header);

}  // namespace firn::volume
