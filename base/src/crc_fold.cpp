#include <immintrin.h>

#include "src/crc_kernel.h"
#include "src/crc_math.h"

// The functions that use wider instructions say so themselves; the file needs no flags of its own.
#define FIRN_FOLDING __attribute__((target("pclmul,sse4.1")))
#define FIRN_WIDE_FOLDING __attribute__((target("vpclmulqdq,pclmul,avx512f,avx512vl")))

namespace firn {
namespace {

constexpr std::size_t kLaneBytes = 16;
constexpr std::size_t kLanes = 4;  // Four independent chains hide the multiplier's latency.
constexpr std::size_t kBlockBytes = kLanes * kLaneBytes;
constexpr std::size_t kWideBytes = 64;  // A register of AVX-512.
constexpr std::size_t kWideBlockBytes = 4 * kWideBytes;

/// What moves a 128-bit lane `distance_bits` further along the message, modulo P.
///
/// A lane L + H (L, the first eight bytes, holds the higher powers) stands for L * x^64 + H, so it becomes
/// L * x^(distance+64) + H * x^distance. Multiplying two reflected 64-bit words without carries lands one bit low, that
/// is, times x too much: hence the -1.
struct FoldConstants {
  std::uint64_t first;
  std::uint64_t second;
};

template <class Crc>
consteval FoldConstants fold_by(std::uint64_t distance_bits) {
  constexpr int kUp = 64 - crc_math::kBits<Crc>;  // A 32-bit remainder's powers sit in the upper half of the word.
  return {std::uint64_t{crc_math::power_of_x<Crc>(distance_bits + 63)} << kUp,
          std::uint64_t{crc_math::power_of_x<Crc>(distance_bits - 1)} << kUp};
}

FIRN_FOLDING inline __m128i load(const std::byte* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

FIRN_FOLDING inline __m128i constants(FoldConstants by) {
  return _mm_set_epi64x(static_cast<long long>(by.second), static_cast<long long>(by.first));
}

FIRN_FOLDING inline __m128i fold(__m128i lane, __m128i by, __m128i next) {
  const __m128i first = _mm_clmulepi64_si128(lane, by, 0x00);
  const __m128i second = _mm_clmulepi64_si128(lane, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

FIRN_WIDE_FOLDING inline __m512i load_wide(const std::byte* at) { return _mm512_loadu_si512(at); }

FIRN_WIDE_FOLDING inline __m512i fold_wide(__m512i lanes, __m512i by, __m512i next) {
  const __m512i first = _mm512_clmulepi64_epi128(lanes, by, 0x00);
  const __m512i second = _mm512_clmulepi64_epi128(lanes, by, 0x11);
  constexpr int kXorOfThree = 0x96;
  return _mm512_ternarylogic_epi64(first, second, next, kXorOfThree);
}

/// Four lanes to a register, four registers. At least two blocks of them are folded into one block, written to
/// `folded`, with the same remainder; `at` and `left` move past them.
template <class Crc>
FIRN_WIDE_FOLDING void fold_wide_blocks(typename Crc::Register reg, const std::byte*& at, std::size_t& left,
                                        std::byte* folded) {
  const __m512i by_block = _mm512_maskz_broadcast_i32x4(0xFFFF, constants(fold_by<Crc>(8 * kWideBlockBytes)));
  const auto seed = static_cast<long long>(std::uint64_t{reg});
  __m512i a = _mm512_xor_si512(load_wide(at), _mm512_set_epi64(0, 0, 0, 0, 0, 0, 0, seed));
  __m512i b = load_wide(at + kWideBytes);
  __m512i c = load_wide(at + 2 * kWideBytes);
  __m512i d = load_wide(at + 3 * kWideBytes);
  at += kWideBlockBytes;
  left -= kWideBlockBytes;
  for (; left >= kWideBlockBytes; at += kWideBlockBytes, left -= kWideBlockBytes) {
    a = fold_wide(a, by_block, load_wide(at));
    b = fold_wide(b, by_block, load_wide(at + kWideBytes));
    c = fold_wide(c, by_block, load_wide(at + 2 * kWideBytes));
    d = fold_wide(d, by_block, load_wide(at + 3 * kWideBytes));
  }
  _mm512_storeu_si512(folded, a);
  _mm512_storeu_si512(folded + kWideBytes, b);
  _mm512_storeu_si512(folded + 2 * kWideBytes, c);
  _mm512_storeu_si512(folded + 3 * kWideBytes, d);
}

/// Folds all whole lanes of at least one block into 16 bytes with the same remainder; `at` and `left` move past them.
template <class Crc>
FIRN_FOLDING __m128i fold_lanes(typename Crc::Register reg, const std::byte*& at, std::size_t& left) {
  const __m128i by_block = constants(fold_by<Crc>(8 * kBlockBytes));
  const __m128i by_lane = constants(fold_by<Crc>(8 * kLaneBytes));
  const auto seed = static_cast<long long>(std::uint64_t{reg});  // The register is added to the message's first bits.
  __m128i a = _mm_xor_si128(load(at), _mm_set_epi64x(0, seed));
  __m128i b = load(at + kLaneBytes);
  __m128i c = load(at + 2 * kLaneBytes);
  __m128i d = load(at + 3 * kLaneBytes);
  at += kBlockBytes;
  left -= kBlockBytes;
  for (; left >= kBlockBytes; at += kBlockBytes, left -= kBlockBytes) {
    a = fold(a, by_block, load(at));
    b = fold(b, by_block, load(at + kLaneBytes));
    c = fold(c, by_block, load(at + 2 * kLaneBytes));
    d = fold(d, by_block, load(at + 3 * kLaneBytes));
  }
  a = fold(fold(fold(a, by_lane, b), by_lane, c), by_lane, d);
  for (; left >= kLaneBytes; at += kLaneBytes, left -= kLaneBytes) a = fold(a, by_lane, load(at));
  return a;
}

/// `finish` takes the last lane, as 16 bytes of message after an empty register, and the tail: some 20 ns by table,
/// which a Barrett reduction would not beat by enough to be worth its constants.
template <class Crc, auto CrcKernel::* finish>
typename Crc::Register by_folding(typename Crc::Register reg, ByteView bytes) {
  if (bytes.size() < kBlockBytes) return (kCrcTables.*finish)(reg, bytes);
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  alignas(kLaneBytes) std::array<std::byte, kLaneBytes> lane;
  _mm_store_si128(reinterpret_cast<__m128i*>(lane.data()), fold_lanes<Crc>(reg, at, left));
  reg = (kCrcTables.*finish)(0, lane);
  return (kCrcTables.*finish)(reg, {at, left});
}

/// The wide blocks are folded into one, which is then message after an empty register.
template <class Crc, auto CrcKernel::* finish>
typename Crc::Register by_wide_folding(typename Crc::Register reg, ByteView bytes) {
  if (bytes.size() < 2 * kWideBlockBytes) return by_folding<Crc, finish>(reg, bytes);
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  alignas(kWideBytes) std::array<std::byte, kWideBlockBytes> folded;
  fold_wide_blocks<Crc>(reg, at, left, folded.data());
  reg = by_folding<Crc, finish>(0, folded);
  return by_folding<Crc, finish>(reg, {at, left});
}

}  // namespace

const CrcKernel kCrcWideFolding = {by_wide_folding<crc_math::Crc32Ieee, &CrcKernel::crc32>,
                                   by_wide_folding<crc_math::Crc32Castagnoli, &CrcKernel::crc32c>,
                                   by_wide_folding<crc_math::Crc64Nvme, &CrcKernel::crc64nvme>};

bool crc_wide_folding_supported() {
  return crc_folding_supported() && __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512vl");
}

const CrcKernel kCrcFolding = {by_folding<crc_math::Crc32Ieee, &CrcKernel::crc32>,
                               by_folding<crc_math::Crc32Castagnoli, &CrcKernel::crc32c>,
                               by_folding<crc_math::Crc64Nvme, &CrcKernel::crc64nvme>};

bool crc_folding_supported() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

}  // namespace firn
