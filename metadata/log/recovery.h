#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "firn/base/ids.h"
#include "log/log_directory.h"
#include "log/log_format.h"

namespace firn::metadata {

/// A log file and its place among the files.
struct LogSlot {
  std::uint32_t number = 0;
  LogFile file;
  std::uint64_t last_index = 0;  ///< Of its last entry; first_index - 1 while it has none.
};

/// What lay on drives when the log was opened.
struct RecoveredLog {
  std::vector<LogSlot> used;  ///< In order of use; the last takes the next batch.
  std::vector<LogSlot> free;
  std::uint64_t next_index = 0;
  std::uint64_t position = 0;  ///< Where the next batch of the last used file goes.
  /// Members, by position, that could not be read or written: they are to leave the log set.
  std::vector<std::pair<std::size_t, Error>> failed;
};

struct RecoveryInput {
  std::vector<LogDirectory*> members;
  Uuid identity;
  std::uint64_t after_index = 0;  ///< The state has all entries up to this one.
};

/// Gets entries beyond `after_index`, in order.
using Replay = std::function<Result<>(std::uint64_t index, std::string_view entry)>;

/// Reads the log from all members, makes their copies equal and durable, and replays what the state lacks.
/// Errc::corrupt when entries are missing in the middle, durability_unavailable when every member failed.
Result<RecoveredLog> recover_log(const RecoveryInput& input, const Replay& replay);

}  // namespace firn::metadata
