#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "firn/base/checksum.h"
#include "src/crc_kernel.h"

namespace firn {
namespace {

std::string random_text(std::size_t count) {
  std::mt19937_64 random(42);
  std::string text(count, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

/// One bit at a time, straight from the definition.
template <class Register>
Register bit_by_bit(Register polynomial, Register reg, ByteView bytes) {
  for (const std::byte byte : bytes) {
    reg ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) reg = (reg >> 1) ^ (reg & 1 ? polynomial : 0);
  }
  return reg;
}

constexpr std::uint32_t kIeee = 0xEDB88320;
constexpr std::uint32_t kCastagnoli = 0x82F63B78;
constexpr std::uint64_t kNvme = 0x9A6C9329AC4BC9B5;

std::vector<std::pair<const char*, CrcKernel>> kernels_of_this_machine() {
  std::vector<std::pair<const char*, CrcKernel>> kernels = {{"tables", kCrcTables}};
  if (crc_folding_supported()) kernels.emplace_back("folding", kCrcFolding);
  if (crc_wide_folding_supported()) kernels.emplace_back("wide folding", kCrcWideFolding);
  return kernels;
}

TEST(Crc, GivesThePublishedCheckValues) {
  EXPECT_EQ(crc32(0, as_bytes("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32c(0, as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc64nvme(0, as_bytes("123456789")), 0xAE8B14860A799888U);
}

TEST(Crc, GivesThePublishedValuesOfLongerTexts) {
  const std::string zeros(32, '\0');
  const std::string ones(32, '\xFF');
  EXPECT_EQ(crc32c(0, as_bytes(zeros)), 0x8A9136AAU);  // RFC 3720 B.4.
  EXPECT_EQ(crc32c(0, as_bytes(ones)), 0x62A8AB43U);
  const std::string page(4096, '\0');
  EXPECT_EQ(crc64nvme(0, as_bytes(page)), 0x6482D367EB22B64EU);  // NVM Command Set Specification, 64b CRC examples.
  EXPECT_EQ(crc64nvme(0, as_bytes(std::string(4096, '\xFF'))), 0xC0DDBA7302ECA3ACU);
}

TEST(Crc, OfNothingIsZero) {
  EXPECT_EQ(crc32(0, {}), 0U);
  EXPECT_EQ(crc32c(0, {}), 0U);
  EXPECT_EQ(crc64nvme(0, {}), 0U);
}

TEST(Crc, AgreesWithTheDefinitionForEveryKernelAndLength) {
  const std::string text = random_text(1100);
  const auto bytes = as_bytes(text);
  for (const auto& [name, kernel] : kernels_of_this_machine()) {
    for (std::size_t size_bytes = 0; size_bytes < 1024; size_bytes += size_bytes < 300 ? 1 : 37) {
      for (const std::size_t offset : {0U, 1U, 7U}) {
        const auto part = bytes.subspan(offset, size_bytes);
        EXPECT_EQ(kernel.crc32(0xFFFFFFFF, part), bit_by_bit(kIeee, 0xFFFFFFFF, part)) << name << size_bytes;
        EXPECT_EQ(kernel.crc32c(0x12345678, part), bit_by_bit(kCastagnoli, 0x12345678U, part)) << name << size_bytes;
        EXPECT_EQ(kernel.crc64nvme(0x123456789ABCDEF0, part),
                  bit_by_bit(kNvme, std::uint64_t{0x123456789ABCDEF0}, part))
            << name << size_bytes;
      }
    }
  }
}

TEST(Crc, IsTheSameWhereverTheBytesAreCut) {
  const std::string text = random_text(2000);
  const auto bytes = as_bytes(text);
  for (const std::size_t cut : {0U, 1U, 63U, 64U, 65U, 500U, 511U, 512U, 513U, 1024U, 1999U, 2000U}) {
    EXPECT_EQ(crc32(crc32(0, bytes.first(cut)), bytes.subspan(cut)), crc32(0, bytes));
    EXPECT_EQ(crc32c(crc32c(0, bytes.first(cut)), bytes.subspan(cut)), crc32c(0, bytes));
    EXPECT_EQ(crc64nvme(crc64nvme(0, bytes.first(cut)), bytes.subspan(cut)), crc64nvme(0, bytes));
  }
}

TEST(CrcCombine, GivesTheCrcOfBothPartsFromTheirCrcs) {
  const std::string text = random_text(100'000);
  const auto bytes = as_bytes(text);
  for (const std::size_t cut : {0U, 1U, 2U, 63U, 4096U, 65'535U, 99'999U, 100'000U}) {
    const auto a = bytes.first(cut);
    const auto b = bytes.subspan(cut);
    EXPECT_EQ(crc32_combine(crc32(0, a), crc32(0, b), b.size()), crc32(0, bytes));
    EXPECT_EQ(crc32c_combine(crc32c(0, a), crc32c(0, b), b.size()), crc32c(0, bytes));
    EXPECT_EQ(crc64nvme_combine(crc64nvme(0, a), crc64nvme(0, b), b.size()), crc64nvme(0, bytes));
  }
}

TEST(CrcCombine, JoinsPartsInWhateverGroupingTheyCome) {
  // Parts far larger than any memory: joining (A B) C must equal joining A (B C).
  const std::uint64_t b_bytes = std::uint64_t{5} << 40;
  const std::uint64_t c_bytes = (std::uint64_t{1} << 50) + 12'345;
  EXPECT_EQ(crc32_combine(crc32_combine(1, 2, b_bytes), 3, c_bytes),
            crc32_combine(1, crc32_combine(2, 3, c_bytes), b_bytes + c_bytes));
  EXPECT_EQ(crc32c_combine(crc32c_combine(1, 2, b_bytes), 3, c_bytes),
            crc32c_combine(1, crc32c_combine(2, 3, c_bytes), b_bytes + c_bytes));
  EXPECT_EQ(crc64nvme_combine(crc64nvme_combine(1, 2, b_bytes), 3, c_bytes),
            crc64nvme_combine(1, crc64nvme_combine(2, 3, c_bytes), b_bytes + c_bytes));
}

}  // namespace
}  // namespace firn
