#pragma once

#include <optional>
#include <vector>

#include "log/log_directory.h"
#include "log/log_format.h"

namespace firn::metadata {

/// Reads one log file's batches from the first member that has a sound copy of each.
///
/// Threads: one. Memory: a read-ahead buffer for each member that was asked.
class LogReader {
 public:
  /// `members` must outlive the reader.
  LogReader(std::vector<LogDirectory*> members, std::uint32_t slot, const LogFile& file);

  struct Found {
    ByteView pages;  ///< Of the whole batch; lives until the next call.
    Batch batch;
    std::vector<std::size_t> unsound;  ///< Members, by position, that were asked and have no sound copy.
  };
  /// The batch at `position`, which must begin at `index` or later; nothing when no member has a sound one. All members
  /// are asked when it goes beyond entry `covered`, else those up to the first that has it.
  Result<std::optional<Found>> next(std::uint64_t index, std::uint64_t covered);
  /// Whether a sound batch that begins at `index` or later lies beyond `position`: the log did not end there, it is
  /// damaged.
  Result<bool> batch_beyond(std::uint64_t index);

  std::uint64_t position() const { return position_; }

 private:
  struct Window {
    std::uint64_t offset = 0;
    Buffer bytes;
  };
  /// Nothing when the member can't be read there.
  std::optional<ByteView> view(std::size_t member, std::uint64_t offset, std::size_t length);
  Result<std::optional<Batch>> batch_at(std::size_t member, std::uint64_t offset, std::uint64_t index, ByteView& pages);

  std::vector<LogDirectory*> members_;
  std::vector<Window> windows_;
  std::uint32_t slot_;
  LogFile file_;
  std::uint64_t position_;
};

}  // namespace firn::metadata
