#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// Polynomial arithmetic behind the three CRCs, all in reflected bit order (the lowest bit is the highest power).
namespace firn::crc_math {

/// One CRC: its width and polynomial. Register and final value are inverted, as all three of S3's are.
struct Crc32Ieee {
  using Register = std::uint32_t;
  static constexpr Register kPolynomial = 0xEDB88320;
};
struct Crc32Castagnoli {
  using Register = std::uint32_t;
  static constexpr Register kPolynomial = 0x82F63B78;
};
struct Crc64Nvme {
  using Register = std::uint64_t;
  static constexpr Register kPolynomial = 0x9A6C9329AC4BC9B5;  // 0xAD93D23594C93659 reflected.
};

template <class Crc>
inline constexpr int kBits = 8 * sizeof(typename Crc::Register);

/// The polynomial 1, and x.
template <class Crc>
inline constexpr typename Crc::Register kOne = typename Crc::Register{1} << (kBits<Crc> - 1);
template <class Crc>
inline constexpr typename Crc::Register kX = kOne<Crc> >> 1;

template <class Crc>
constexpr typename Crc::Register times_x(typename Crc::Register a) {
  return (a >> 1) ^ ((a & 1) ? Crc::kPolynomial : 0);
}

/// a * b mod P.
template <class Crc>
constexpr typename Crc::Register multiply(typename Crc::Register a, typename Crc::Register b) {
  typename Crc::Register product = 0;
  for (auto bit = kOne<Crc>; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = times_x<Crc>(b);
  }
  return product;
}

/// x^exponent mod P.
template <class Crc>
constexpr typename Crc::Register power_of_x(std::uint64_t exponent) {
  auto result = kOne<Crc>;
  for (auto square = kX<Crc>; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply<Crc>(result, square);
    square = multiply<Crc>(square, square);
  }
  return result;
}

/// Slicing by eight: tables[s][b] is byte b followed by s zero bytes.
template <class Crc>
using SliceTables = std::array<std::array<typename Crc::Register, 256>, 8>;

template <class Crc>
constexpr SliceTables<Crc> slice_tables() {
  SliceTables<Crc> tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    typename Crc::Register value = byte;
    for (int bit = 0; bit < 8; ++bit) value = times_x<Crc>(value);
    tables[0][byte] = value;
  }
  for (std::size_t slice = 1; slice < 8; ++slice) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const auto shorter = tables[slice - 1][byte];
      tables[slice][byte] = (shorter >> 8) ^ tables[0][shorter & 0xFF];
    }
  }
  return tables;
}

}  // namespace firn::crc_math
