#pragma once

// The body of the xxh3_<unit>.cpp files, each compiled with that unit's flags and XXH_VECTOR. Includes C headers alone:
// an inline function of the standard library, compiled here with wider instructions, could replace the one every other
// file uses, and crash on machines without them.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "src/xxh3_kernel.h"

namespace firn {
namespace {

static_assert(sizeof(XXH3_state_t) == kXxh3StateBytes && alignof(XXH3_state_t) == kXxh3StateAlignment);

uint64_t hash(const void* bytes, size_t count, uint64_t seed) { return XXH3_64bits_withSeed(bytes, count, seed); }

void reset(void* state) {
  XXH3_INITSTATE(static_cast<XXH3_state_t*>(state));
  XXH3_64bits_reset(static_cast<XXH3_state_t*>(state));
}

void update(void* state, const void* bytes, size_t count) {
  XXH3_64bits_update(static_cast<XXH3_state_t*>(state), bytes, count);
}

uint64_t digest(const void* state) { return XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state)); }

}  // namespace
}  // namespace firn
