#pragma once

#include <stddef.h>
#include <stdint.h>

namespace firn {

inline constexpr size_t kMd5BlockBytes = 64;
inline constexpr size_t kMd5StateWords = 4;
inline constexpr size_t kMd5LanesMax = 16;

struct Md5Alongside {
  const uint8_t* const* memory;
  size_t count;
};

/// MD5's block function over several bodies side by side, compiled for one vector unit. One body's blocks depend on
/// each other, so a core's vector unit idles over a single one; a lane more costs next to nothing.
struct Md5Kernel {
  size_t lanes;       ///< Bodies in one call, no more and no fewer.
  size_t worth_from;  ///< With fewer bodies, a narrower unit, or one after the other, is faster.
  /// `alongside` is memory as long as the blocks, needed after them: one lane alone leaves time to fetch it.
  void (*blocks)(uint32_t (*states)[kMd5StateWords], const uint8_t* const* data, size_t block_count,
                 const Md5Alongside& alongside);
};

/// One body, 4 to 5 % faster than OpenSSL's assembler (GCC 12, Ice Lake): shorter is the chain from step to step.
extern const Md5Kernel kMd5Scalar;
extern const Md5Kernel kMd5Sse2;
extern const Md5Kernel kMd5Avx2;
extern const Md5Kernel kMd5Avx512;
/// Narrower, with the wide unit's instructions (logic of three operands, rotation): a lane is faster where there are
/// few.
extern const Md5Kernel kMd5Avx512Eight;
extern const Md5Kernel kMd5Avx512Four;

}  // namespace firn
