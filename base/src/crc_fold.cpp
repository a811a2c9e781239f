#include <immintrin.h>

#include "src/crc_kernel.h"
#include "src/crc_math.h"

// The functions that use wider instructions say so themselves; the file needs no flags of its own.
#define FIRN_FOLDING __attribute__((target("pclmul,sse4.1")))

namespace firn {
namespace {

constexpr std::size_t kLaneBytes = 16;
constexpr std::size_t kLanes = 4;  // Four independent chains hide the multiplier's latency.
constexpr std::size_t kBlockBytes = kLanes * kLaneBytes;

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

}  // namespace

const CrcKernel kCrcFolding = {by_folding<crc_math::Crc32Ieee, &CrcKernel::crc32>,
                               by_folding<crc_math::Crc32Castagnoli, &CrcKernel::crc32c>,
                               by_folding<crc_math::Crc64Nvme, &CrcKernel::crc64nvme>};

bool crc_folding_supported() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

}  // namespace firn
