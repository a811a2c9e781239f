#pragma once

#include <array>
#include <cstdint>

#include "firn/base/buffer.h"

namespace firn {

/// One way to compute the three CRCs. Each function advances a raw register (already inverted) over `bytes`.
struct CrcKernel {
  std::uint32_t (*crc32)(std::uint32_t reg, ByteView bytes);
  std::uint32_t (*crc32c)(std::uint32_t reg, ByteView bytes);
  std::uint64_t (*crc64nvme)(std::uint64_t reg, ByteView bytes);
};

/// Slicing by eight: any machine.
extern const CrcKernel kCrcTables;
/// Folding by carry-less multiplication: PCLMULQDQ and SSE4.1.
extern const CrcKernel kCrcFolding;
/// True where `kCrcFolding` may run.
bool crc_folding_supported();
/// The same, four times as wide: VPCLMULQDQ and AVX-512.
extern const CrcKernel kCrcWideFolding;
bool crc_wide_folding_supported();

}  // namespace firn
