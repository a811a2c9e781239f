#pragma once

#include <stddef.h>
#include <stdint.h>

namespace firn {

/// XXH3-64 compiled for one vector unit. `state` is xxHash's own XXH3_state_t, the same in all of them.
struct Xxh3Kernel {
  uint64_t (*hash)(const void* bytes, size_t count, uint64_t seed);
  void (*reset)(void* state);
  void (*update)(void* state, const void* bytes, size_t count);
  uint64_t (*digest)(const void* state);
};

inline constexpr size_t kXxh3StateBytes = 576;
inline constexpr size_t kXxh3StateAlignment = 64;

extern const Xxh3Kernel kXxh3Sse2;
extern const Xxh3Kernel kXxh3Avx2;
extern const Xxh3Kernel kXxh3Avx512;

}  // namespace firn
