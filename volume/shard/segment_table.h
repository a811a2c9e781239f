#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "firn/volume/disk.h"
#include "shard/index_format.h"

namespace firn::volume {

/// All segments of a drive, as the index has them or will have them.
///
/// Threads: none of its own; the drive's mutex guards it.
/// Memory: some 100 bytes per segment; at most `kOpenFilesMax` files are kept open.
class SegmentTable {
 public:
  enum class Use : std::uint8_t {
    idle,       ///< As its row says.
    taken,      ///< Being prepared, or an OpenSegment exists.
    reclaimed,  ///< Sealed; being rewritten or waiting to be free.
  };
  struct Segment {
    SegmentRow row;
    Use use = Use::idle;
    bool present = false;  ///< Its file is on the drive. A number without a file is never taken.
    /// Sealed and without live records since then.
    std::optional<std::chrono::steady_clock::time_point> died;
    bool damaged = false;  ///< Rewriting met a damaged record: not tried again before it is repaired.
    std::shared_ptr<DiskFile> file;
    std::uint64_t last_used = 0;
  };

  std::uint32_t size() const { return static_cast<std::uint32_t>(segments_.size()); }
  Segment& at(SegmentId id) { return segments_[id.value]; }
  bool contains(SegmentId id) const { return id.value < segments_.size(); }
  /// Grows the table so that it contains `id`.
  Segment& add(SegmentId id);

  /// Free and idle ones: how many, and the lowest numbered.
  std::uint32_t free_segments() const;
  std::optional<SegmentId> take_free();

  void add_live(const RecordRow& row);
  /// `now` becomes the time of death when it was the last live record of a sealed segment.
  void remove_live(const RecordRow& row, std::chrono::steady_clock::time_point now);

  /// The open file of a segment, if it is open; marks it as used.
  std::shared_ptr<DiskFile> file(SegmentId id);
  void keep_file(SegmentId id, std::shared_ptr<DiskFile> file);

  std::uint64_t live_bytes() const;
  /// Segments that hold records or are about to.
  std::uint32_t occupied_segments() const;
  /// Sealed idle segment with the smallest live share of at most `share_max`, in bytes of `segment_bytes`.
  std::optional<SegmentId> emptiest(std::uint64_t live_bytes_max);

 private:
  static constexpr std::size_t kOpenFilesMax = 1024;
  std::vector<Segment> segments_;
  std::size_t open_files_ = 0;
  std::uint64_t use_counter_ = 0;
};

}  // namespace firn::volume
