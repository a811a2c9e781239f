#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "firn/volume/disk.h"
#include "shard/index_format.h"
#include "shard/segment_format.h"

namespace firn::volume {

/// Reach of appends beyond the lowest one still being written. Enough to keep the fastest drive busy, and all that a
/// scan must cross before it may say that nothing follows.
inline constexpr std::uint64_t kAppendWindowBytes = 8ULL << 20;

/// A segment that takes appends, or did until it was full and waits to be sealed.
///
/// Threads: none of its own; the drive's mutex guards it.
/// Memory: 48 bytes per record, 16 per append under way.
class OpenSegment {
 public:
  /// A place for one record.
  struct Place {
    std::uint64_t offset_bytes = 0;
    std::uint64_t ticket = 0;
  };

  OpenSegment(SegmentIdentity identity, std::shared_ptr<DiskFile> file)
      : identity_(identity), file_(std::move(file)), tail_bytes_(kFirstRecordOffset) {}

  /// Goes on after a restart: records below `tail_bytes` are in the index, `records` of them.
  void resume(std::uint64_t tail_bytes, std::uint32_t records);

  const SegmentIdentity& identity() const { return identity_; }
  SegmentId id() const { return identity_.segment; }
  const std::shared_ptr<DiskFile>& file() const { return file_; }

  /// Whether `record_bytes` and a summary that counts it fit.
  bool has_room(std::uint64_t record_bytes) const;
  /// Whether it would not reach further than a scan looks.
  bool in_window(std::uint64_t record_bytes) const;
  Place reserve(std::uint64_t record_bytes);
  /// The write ended; `entry` only if it is a record now. From here on a flush must cover it.
  void written(std::uint64_t ticket, const std::optional<SummaryEntry>& entry);
  /// The index holds it, or nobody will ever ask for it.
  void settled(std::uint64_t ticket);

  std::uint64_t tail_bytes() const { return tail_bytes_; }
  std::uint32_t records() const { return records_; }
  /// Everything below is written, flushed and in the index.
  std::uint64_t mark_bytes() const;
  /// Nothing is under way any more.
  bool quiet() const { return places_.empty(); }
  /// Records in order of place, if all of them were appended through this object.
  std::optional<std::vector<SummaryEntry>> summary() const;

  /// Written since it was last flushed.
  bool dirty = false;

 private:
  enum class State : std::uint8_t { writing, written, settled };
  struct Pending {
    std::uint64_t offset_bytes;
    State state;
  };
  Pending& at(std::uint64_t ticket);

  const SegmentIdentity identity_;
  const std::shared_ptr<DiskFile> file_;  ///< Shared with reads under way.
  std::uint64_t tail_bytes_;
  std::uint32_t records_ = 0;
  std::uint32_t writing_ = 0;         ///< Writes under way.
  std::deque<Pending> places_;        ///< In order of place; the front is the lowest not settled.
  std::uint64_t first_ticket_ = 0;    ///< Of the front.
  std::uint64_t writing_ticket_ = 0;  ///< The lowest that may still be written.
  std::vector<SummaryEntry> entries_;
  bool entries_complete_ = true;
};

}  // namespace firn::volume
