#pragma once

#include <cstdint>

namespace firn::metadata {

/// The first byte of every command.
inline constexpr std::uint8_t kCommandVersion = 1;

}  // namespace firn::metadata
