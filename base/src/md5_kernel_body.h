#pragma once

// The body of the md5_<unit>.cpp files, each compiled with that unit's flags. FIRN_MD5_LANES is the unit's width in
// words, FIRN_MD5_ZIP_LOW and FIRN_MD5_ZIP_HIGH the shuffles that interleave the low and the high halves of two
// vectors; one lane needs none. Includes C headers alone, for the reason that xxh3_kernel_body.h gives.
#include <string.h>

#include "src/md5_kernel.h"

namespace firn {
namespace {

constexpr size_t kLanes = FIRN_MD5_LANES;
constexpr size_t kWords = kMd5BlockBytes / sizeof(uint32_t);
#if FIRN_MD5_LANES == 1
typedef uint32_t Vector;
#else
typedef uint32_t Vector __attribute__((vector_size(sizeof(uint32_t) * kLanes)));
#endif

/// RFC 1321: the integer part of 2^32 times |sin(i + 1)|, and how far each of a round's four steps rotates.
constexpr uint32_t kSines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
constexpr int kRotations[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

template <unsigned I>
[[gnu::always_inline]] inline void step(Vector& a, Vector b, Vector c, Vector d, const Vector* words) {
  constexpr unsigned kRound = I / 16;
  constexpr unsigned kWordOf[4] = {I % 16, (5 * I + 1) % 16, (3 * I + 5) % 16, 7 * I % 16};
  constexpr int kLeft = kRotations[kRound][I % 4];
  Vector sum = a + (words[kWordOf[kRound]] + kSines[I]);
  if constexpr (kRound == 0) sum += d ^ (b & (c ^ d));
  if constexpr (kRound == 1) {
    if constexpr (kLanes == 1) {
      // The same, as its halves have no bit in common; what does not wait for b, the step before, is added first.
      sum += c & ~d;
      sum += b & d;
    } else {
      sum += c ^ (d & (b ^ c));
    }
  }
  if constexpr (kRound == 2) sum += b ^ c ^ d;
  if constexpr (kRound == 3) sum += c ^ (b | ~d);
  a = ((sum << kLeft) | (sum >> (32 - kLeft))) + b;
}

template <unsigned I>
[[gnu::always_inline]] inline void steps_from(Vector& a, Vector& b, Vector& c, Vector& d, const Vector* words) {
  step<I>(a, b, c, d, words);
  step<I + 1>(d, a, b, c, words);
  step<I + 2>(c, d, a, b, words);
  step<I + 3>(b, c, d, a, words);
  if constexpr (I + 4 < 64) steps_from<I + 4>(a, b, c, d, words);
}

#if FIRN_MD5_LANES > 1
/// A square of words, a row per vector, is turned over its diagonal: log2(kLanes) rounds that interleave its halves.
[[gnu::always_inline]] inline void transpose(Vector* rows) {
#pragma GCC unroll 4
  for (size_t round = 1; round < kLanes; round *= 2) {
    Vector zipped[kLanes];
#pragma GCC unroll 8
    for (size_t i = 0; i < kLanes / 2; ++i) {
      zipped[2 * i] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], FIRN_MD5_ZIP_LOW);
      zipped[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], FIRN_MD5_ZIP_HIGH);
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < kLanes; ++i) rows[i] = zipped[i];
  }
}
#else
[[gnu::always_inline]] inline void transpose(Vector* /*rows*/) {}
#endif

/// Word w of each lane's block becomes vector w.
[[gnu::always_inline]] inline void load_words(Vector* words, const uint8_t* const* data, size_t offset) {
#pragma GCC unroll 4
  for (size_t first = 0; first < kWords; first += kLanes) {
#pragma GCC unroll 16
    for (size_t lane = 0; lane < kLanes; ++lane) {
      memcpy(&words[first + lane], data[lane] + offset + first * sizeof(uint32_t), sizeof(Vector));
    }
    transpose(words + first);
  }
}

void blocks(uint32_t (*states)[kMd5StateWords], const uint8_t* const* data, size_t block_count,
            [[maybe_unused]] const Md5Alongside& alongside) {
  Vector state[kMd5StateWords];
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t i = 0; i < kMd5StateWords; ++i) {
      memcpy(reinterpret_cast<char*>(&state[i]) + lane * sizeof(uint32_t), &states[lane][i], sizeof(uint32_t));
    }
  }
  for (size_t block = 0; block < block_count; ++block) {
#if FIRN_MD5_LANES == 1
    for (size_t i = 0; i < alongside.count; ++i) __builtin_prefetch(alongside.memory[i] + block * kMd5BlockBytes);
#endif
    Vector words[kWords];
    load_words(words, data, block * kMd5BlockBytes);
    Vector a = state[0], b = state[1], c = state[2], d = state[3];
    steps_from<0>(a, b, c, d, words);
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t i = 0; i < kMd5StateWords; ++i) {
      memcpy(&states[lane][i], reinterpret_cast<const char*>(&state[i]) + lane * sizeof(uint32_t), sizeof(uint32_t));
    }
  }
}

}  // namespace
}  // namespace firn
