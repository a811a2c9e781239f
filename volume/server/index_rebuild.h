#pragma once

#include <optional>
#include <vector>

#include "server/local_drive.h"

namespace firn::volume {

struct IndexedEntries {
  std::size_t records = 0;        ///< That were new to the index.
  std::optional<LeaseId> oldest;  ///< The lowest lease among them.
};

/// Puts records found in a segment into the index, unless a newer copy is there, with the segment's row: its mark
/// becomes `mark_bytes`. May block.
Result<IndexedEntries> index_entries(Index& index, SegmentTable& segments, const SegmentIdentity& segment,
                                     const std::vector<SummaryEntry>& entries, std::uint64_t mark_bytes);

void note_recovered(DriveStats& stats, const IndexedEntries& added);

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
