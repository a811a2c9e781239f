#pragma once

#include <vector>

#include "server/local_drive.h"

namespace firn::volume {

/// Puts records found in a segment into the index, unless a newer copy is there, with the segment's row: its mark
/// becomes `mark_bytes`. From which lease on they came back is written with them, and into `parts.stats`. May block.
/// The number of those that were new to the index.
Result<std::size_t> index_entries(DriveParts& parts, const SegmentIdentity& segment,
                                  const std::vector<SummaryEntry>& entries, std::uint64_t mark_bytes);

/// Fills an empty index from the segments: docs/formats/index.md, "Rebuild".
class IndexRebuild {
 public:
  IndexRebuild(DriveParts& parts, std::vector<SegmentId> present) : parts_(parts), present_(std::move(present)) {}
  Task<> run();

 private:
  struct Found {
    SegmentIdentity identity;
    std::shared_ptr<DiskFile> file;
  };
  Task<> read_headers();
  Task<> add(Found found);
  Task<> finish();
  std::string segment_path(SegmentId id) const;

  DriveParts& parts_;
  const std::vector<SegmentId> present_;
  std::vector<Found> taken_;  ///< In order of birth.
  std::uint64_t records_ = 0;
};

}  // namespace firn::volume
