#pragma once

#include <string>
#include <string_view>

#include "rows/rows.h"

namespace firn::metadata {

/// What is given out within the part of the past that was lost is less than this.
inline constexpr std::uint64_t kLeap = 1ULL << 32;

/// For a state whose last changes are lost, though others may have seen them: drives hold records of what it does not
/// know, and epochs it has not reached. Nothing that was given out in that time is given out again, and whoever writes
/// under a lease of before is to ask for another. Leaps from one state at two times lead to different numbers.
Result<> leap(KeyValues& state, Progress& progress, UnixMs now);

/// What the entry carries that makes all who apply it leap. `now` is the clock of whoever writes it.
std::string encode_leap(UnixMs now);
/// Errc::corrupt.
Result<UnixMs> decode_leap(std::string_view payload);

}  // namespace firn::metadata
