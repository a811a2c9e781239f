#include "firn/base/checksum.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "src/xxh3_kernel.h"

namespace firn {
namespace {

/// XXH3's own steps (16, 128, 240), its stripes and blocks (64, 1024), the stream's buffer (256), and whole records.
const std::vector<std::size_t> kSizes = {
    0,   1,   3,   4,   8,   9,    16,   17,   63,   64,   65,   128,  129,   240,   241,      255,
    256, 257, 511, 512, 513, 1023, 1024, 1025, 2048, 4095, 4096, 4097, 65536, 65537, 1U << 20, (1U << 20) + 4096};

std::string random_text(std::size_t count) {
  std::mt19937_64 random(42);
  std::string text(count, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::vector<std::pair<const char*, Xxh3Kernel>> kernels_of_this_machine() {
  std::vector<std::pair<const char*, Xxh3Kernel>> kernels = {{"sse2", kXxh3Sse2}};
  if (__builtin_cpu_supports("avx2")) kernels.emplace_back("avx2", kXxh3Avx2);
  if (__builtin_cpu_supports("avx512f")) kernels.emplace_back("avx512", kXxh3Avx512);
  return kernels;
}

TEST(Xxh3, GivesThePublishedValues) {
  EXPECT_EQ(xxh3(as_bytes("")), 0x2D06800538D394C2U);
  EXPECT_EQ(xxh3(as_bytes("a")), 0xE6C632B61E964E1FU);
  EXPECT_EQ(xxh3(as_bytes("abc")), 0x78AF5F94892F3950U);
}

TEST(Xxh3, AgreesWithTheReferenceLibraryForEveryVectorUnit) {
  const std::string text = random_text(kSizes.back() + 1);
  for (const auto& [unit, kernel] : kernels_of_this_machine()) {
    for (const std::size_t size_bytes : kSizes) {
      for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{0x123456789ABCDEF}}) {
        // One byte in: nothing that is stored is aligned for the widest loads.
        EXPECT_EQ(kernel.hash(text.data() + 1, size_bytes, seed),
                  XXH3_64bits_withSeed(text.data() + 1, size_bytes, seed))
            << unit << ", " << size_bytes << " bytes";
      }
    }
  }
}

TEST(Xxh3, StreamsTheSameValueForEveryVectorUnit) {
  const std::string text = random_text(100'000);
  struct alignas(kXxh3StateAlignment) State {
    std::byte bytes[kXxh3StateBytes];
  } state;
  for (const auto& [unit, kernel] : kernels_of_this_machine()) {
    kernel.reset(&state);
    for (std::size_t at = 0, piece = 1; at < text.size(); at += piece, piece = piece * 3 % 1021) {
      kernel.update(&state, text.data() + at, std::min(piece, text.size() - at));
    }
    EXPECT_EQ(kernel.digest(&state), XXH3_64bits(text.data(), text.size())) << unit;
  }
}

TEST(Xxh3, DependsOnTheSeed) { EXPECT_NE(xxh3(as_bytes("shard"), 1), xxh3(as_bytes("shard"), 2)); }

TEST(Xxh3Stream, EqualsTheHashOfAllPiecesTogether) {
  for (const std::size_t size_bytes : kSizes) {
    const std::string text = random_text(size_bytes);
    for (const std::size_t piece : {std::size_t{7}, std::size_t{64}, std::size_t{4096}}) {
      Xxh3Stream stream;
      for (std::size_t at = 0; at < text.size(); at += piece)
        stream.update(as_bytes(text).subspan(at).first(std::min(piece, text.size() - at)));
      EXPECT_EQ(stream.digest(), xxh3(as_bytes(text)));
    }
  }
}

TEST(Xxh3Stream, MayBeReadBetweenPiecesAndMoved) {
  Xxh3Stream stream;
  stream.update(as_bytes("fi"));
  EXPECT_EQ(stream.digest(), xxh3(as_bytes("fi")));
  Xxh3Stream moved = std::move(stream);
  moved.update(as_bytes("rn"));
  EXPECT_EQ(moved.digest(), xxh3(as_bytes("firn")));
}

}  // namespace
}  // namespace firn
