#pragma once

#include <cstdint>
#include <string_view>

namespace firn::metadata {

/// Whose proposal an entry was. Member 0: that of a log whose proposals can't come twice.
struct Origin {
  std::uint64_t member = 0;
  std::uint64_t start = 0;  ///< Which start of the member's process.
  std::uint64_t sequence = 0;
  friend bool operator==(const Origin&, const Origin&) = default;
};

/// What an entry of the log is to the state.
struct LogEntry {
  enum class Kind : std::uint8_t {
    nothing = 0,  ///< The log's own affair.
    command = 1,
    fence = 2,  ///< Commands of the origin's member that come later and were proposed before `origin` are refused.
    leap = 3,   ///< What may have come after the entry before it is lost: leap.h.
  };
  Kind kind = Kind::command;
  Origin origin;
  std::string_view command;  ///< Of a leap: when it was made.
};

}  // namespace firn::metadata
