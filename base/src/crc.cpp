#include <bit>
#include <cstring>

#include "firn/base/checksum.h"
#include "src/crc_kernel.h"
#include "src/crc_math.h"

namespace firn {
namespace {

using crc_math::Crc32Castagnoli;
using crc_math::Crc32Ieee;
using crc_math::Crc64Nvme;

static_assert(std::endian::native == std::endian::little, "the eight-byte step reads words as they lie in memory");

template <class Crc>
typename Crc::Register by_tables(typename Crc::Register reg, ByteView bytes) {
  static constexpr auto kTables = crc_math::slice_tables<Crc>();
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= reg;
    reg = 0;
    for (std::size_t i = 0; i < 8; ++i) reg ^= kTables[7 - i][(word >> (8 * i)) & 0xFF];
  }
  for (; left > 0; ++at, --left) {
    reg = (reg >> 8) ^ kTables[0][(reg ^ static_cast<std::uint8_t>(*at)) & 0xFF];
  }
  return reg;
}

const CrcKernel& kernel() {
  static const CrcKernel& chosen = crc_wide_folding_supported() ? kCrcWideFolding
                                   : crc_folding_supported()    ? kCrcFolding
                                                                : kCrcTables;
  return chosen;
}

/// kShifts[i] = x^(8 * 2^i) mod P: appending 2^i zero bytes is one multiplication by it.
template <class Crc>
constexpr std::array<typename Crc::Register, 64> zero_byte_shifts() {
  std::array<typename Crc::Register, 64> shifts{};
  shifts[0] = crc_math::power_of_x<Crc>(8);
  for (std::size_t i = 1; i < shifts.size(); ++i) shifts[i] = crc_math::multiply<Crc>(shifts[i - 1], shifts[i - 1]);
  return shifts;
}

/// The inversions at start and end cancel out, so crc(A B) = crc(A) * x^(8|B|) + crc(B).
template <class Crc>
typename Crc::Register combine(typename Crc::Register a, typename Crc::Register b, std::uint64_t b_bytes) {
  static constexpr auto kShifts = zero_byte_shifts<Crc>();
  for (std::size_t i = 0; b_bytes != 0; ++i, b_bytes >>= 1) {
    if (b_bytes & 1) a = crc_math::multiply<Crc>(a, kShifts[i]);
  }
  return a ^ b;
}

}  // namespace

const CrcKernel kCrcTables = {by_tables<Crc32Ieee>, by_tables<Crc32Castagnoli>, by_tables<Crc64Nvme>};

std::uint32_t crc32(std::uint32_t crc, ByteView bytes) { return ~kernel().crc32(~crc, bytes); }
std::uint32_t crc32c(std::uint32_t crc, ByteView bytes) { return ~kernel().crc32c(~crc, bytes); }
std::uint64_t crc64nvme(std::uint64_t crc, ByteView bytes) { return ~kernel().crc64nvme(~crc, bytes); }

std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t b_bytes) {
  return combine<Crc32Ieee>(a, b, b_bytes);
}
std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t b_bytes) {
  return combine<Crc32Castagnoli>(a, b, b_bytes);
}
std::uint64_t crc64nvme_combine(std::uint64_t a, std::uint64_t b, std::uint64_t b_bytes) {
  return combine<Crc64Nvme>(a, b, b_bytes);
}

}  // namespace firn
