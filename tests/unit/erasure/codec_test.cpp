#include "firn/erasure/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace firn::erasure {
namespace {

using Bytes = std::vector<std::byte>;

/// Around ISA-L's vector widths, its tail handling, a page and a whole chunk.
const std::vector<std::size_t> kSizes = {1,  2,  15,  16,  17,  31,  32,   33,   63,   64,
                                         65, 95, 127, 128, 129, 257, 4095, 4096, 4097, std::size_t{1} << 20};

Bytes random_bytes(std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, count - i));
  }
  return bytes;
}

constexpr std::byte kGuard{0xA5};

/// Memory for one shard between two guard bytes: sanitizers don't see what ISA-L's assembly writes.
struct GuardedShard {
  explicit GuardedShard(std::size_t size_bytes) : memory(size_bytes + 2, std::byte{0xEE}) {
    memory.front() = memory.back() = kGuard;
  }
  MutableBytes span() { return MutableBytes(memory).subspan(1, memory.size() - 2); }
  bool intact() const { return memory.front() == kGuard && memory.back() == kGuard; }
  Bytes memory;
};

/// All shards of a stripe, the parities computed by `codec`.
std::vector<Bytes> encoded(const Codec& codec, std::size_t size_bytes) {
  std::vector<Bytes> shards;
  for (unsigned i = 0; i < codec.shape().data; ++i) shards.push_back(random_bytes(size_bytes, 1000 + i));
  std::vector<GuardedShard> parity(codec.shape().parity, GuardedShard(size_bytes));
  std::vector<MutableBytes> views;
  for (GuardedShard& shard : parity) views.push_back(shard.span());
  codec.begin_group(std::vector<ByteView>{shards[0]}, views);
  for (std::uint8_t i = 1; i < codec.shape().data; ++i) codec.accumulate(i, shards[i], views);
  for (GuardedShard& shard : parity) {
    EXPECT_TRUE(shard.intact());
    shards.emplace_back(shard.span().begin(), shard.span().end());
  }
  return shards;
}

ShardMask all_of(Shape shape) { return (ShardMask{1} << shape.total()) - 1; }

/// Every way to lose up to `losses_max` shards.
std::vector<ShardMask> loss_patterns(Shape shape, int losses_max) {
  std::vector<ShardMask> patterns;
  for (ShardMask lost = 0; lost <= all_of(shape); ++lost) {
    if (std::popcount(lost) <= losses_max) patterns.push_back(lost);
  }
  return patterns;
}

/// Loses `lost`, rebuilds it and compares every shard with the original, those present too.
void expect_rebuilt(const Codec& codec, const std::vector<Bytes>& original, ShardMask lost) {
  const std::size_t size_bytes = original[0].size();
  std::vector<GuardedShard> memory(original.size(), GuardedShard(size_bytes));
  std::vector<MutableBytes> shards;
  for (std::size_t i = 0; i < original.size(); ++i) {
    shards.push_back(memory[i].span());
    if (!(lost >> i & 1)) std::memcpy(shards[i].data(), original[i].data(), size_bytes);
  }
  ASSERT_TRUE(codec.rebuild(all_of(codec.shape()) & ~lost, lost, shards));
  for (std::size_t i = 0; i < original.size(); ++i) {
    ASSERT_EQ(std::memcmp(shards[i].data(), original[i].data(), size_bytes), 0)
        << "shard " << i << ", lost " << lost << ", " << size_bytes << " bytes";
    ASSERT_TRUE(memory[i].intact());
  }
}

std::uint8_t multiplied(std::uint8_t a, std::uint8_t b) {
  std::uint8_t product = 0;
  for (; b != 0; b >>= 1) {
    if (b & 1) product ^= a;
    a = static_cast<std::uint8_t>(a << 1 ^ (a & 0x80 ? 0x1D : 0));  // x^8 + x^4 + x^3 + x^2 + 1
  }
  return product;
}

std::uint8_t inverse(std::uint8_t a) {
  std::uint8_t power = 1;
  for (int i = 0; i < 254; ++i) power = multiplied(power, a);
  return power;
}

TEST(Codec, RebuildsFourPlusTwoFromEveryPatternOfUpToTwoLosses) {
  const Codec codec({4, 2});
  const auto patterns = loss_patterns({4, 2}, 2);
  ASSERT_EQ(patterns.size(), 22U);
  for (const std::size_t size_bytes : kSizes) {
    const auto original = encoded(codec, size_bytes);
    for (const ShardMask lost : patterns) expect_rebuilt(codec, original, lost);
  }
}

TEST(Codec, RefusesEveryTripleLossOfFourPlusTwo) {
  const Codec codec({4, 2});
  auto shards = encoded(codec, 4096);
  const auto before = shards;
  const std::vector<MutableBytes> views(shards.begin(), shards.end());
  int triples = 0;
  for (const ShardMask lost : loss_patterns({4, 2}, 3)) {
    if (std::popcount(lost) != 3) continue;
    ++triples;
    EXPECT_EQ(codec.rebuild(all_of({4, 2}) & ~lost, lost, views).code(), Errc::corrupt);
  }
  EXPECT_EQ(triples, 20);
  EXPECT_EQ(shards, before);  // Nothing was written on the way to the refusal.
}

TEST(Codec, RebuildsOtherShapesFromEveryPatternTheyAllow) {
  for (const Shape shape : {Shape{1, 2}, Shape{2, 1}, Shape{3, 2}, Shape{8, 3}, Shape{16, 4}}) {
    const Codec codec(shape);
    for (const std::size_t size_bytes : {std::size_t{1}, std::size_t{33}, std::size_t{4097}}) {
      const auto original = encoded(codec, size_bytes);
      for (const ShardMask lost : loss_patterns(shape, shape.parity)) expect_rebuilt(codec, original, lost);
    }
  }
}

TEST(Codec, RebuildsAWholeChunkOfTheWidestShape) {
  const Codec codec({16, 4});
  const auto original = encoded(codec, std::size_t{1} << 20);
  expect_rebuilt(codec, original, 0b0000'0000'0000'0000'1111);
  expect_rebuilt(codec, original, 0b1010'0000'0000'1000'0001);
}

TEST(Codec, RefusesMoreLossesThanParitiesInEveryShape) {
  for (const Shape shape : {Shape{1, 2}, Shape{2, 1}, Shape{8, 3}, Shape{16, 4}, Shape{4, 0}}) {
    const Codec codec(shape);
    auto shards = encoded(codec, 64);
    const std::vector<MutableBytes> views(shards.begin(), shards.end());
    const ShardMask lost = (ShardMask{1} << (shape.parity + 1)) - 1;
    EXPECT_EQ(codec.rebuild(all_of(shape) & ~lost, lost, views).code(), Errc::corrupt);
  }
}

TEST(Codec, RebuildsJustARangeOfTheChunk) {
  const Codec codec({4, 2});
  const auto original = encoded(codec, 4097);
  for (const auto& [offset, length] : {std::pair<std::size_t, std::size_t>{0, 1}, {1, 100}, {4095, 2}, {1000, 3000}}) {
    std::vector<Bytes> part;
    for (const Bytes& shard : original) {
      part.emplace_back(shard.begin() + static_cast<std::ptrdiff_t>(offset),
                        shard.begin() + static_cast<std::ptrdiff_t>(offset + length));
    }
    for (const ShardMask lost : loss_patterns({4, 2}, 2)) expect_rebuilt(codec, part, lost);
  }
}

TEST(Codec, NeedsNoMemoryForShardsItDoesNotUse) {
  const Codec codec({4, 2});
  auto original = encoded(codec, 512);
  Bytes rebuilt(512);
  std::vector<MutableBytes> shards(6);
  for (const std::size_t i : {0U, 2U, 3U, 5U}) shards[i] = original[i];
  shards[1] = rebuilt;  // Shard 4 is lost as well, and nobody asks for it.
  ASSERT_TRUE(codec.rebuild(0b101101, 0b000010, shards));
  EXPECT_EQ(rebuilt, original[1]);
}

TEST(Codec, UsesOnlyTheFirstOfMoreShardsThanItNeeds) {
  const Codec codec({4, 2});
  auto original = encoded(codec, 512);
  Bytes rebuilt(512);
  std::vector<MutableBytes> shards(original.begin(), original.end());
  const Bytes expected = original[0];
  shards[0] = rebuilt;
  shards[5] = {};  // Present, yet the fifth: never read.
  ASSERT_TRUE(codec.rebuild(0b111110, 0b000001, shards));
  EXPECT_EQ(rebuilt, expected);
}

TEST(Codec, AddsUpTheSameParityInWhateverOrderDataArrives) {
  const Codec codec({4, 2});
  const auto forward = encoded(codec, 1000);
  std::vector<Bytes> parity(2, Bytes(1000));
  const std::vector<MutableBytes> views(parity.begin(), parity.end());
  for (const std::uint8_t i : {3, 1, 0, 2}) codec.accumulate(i, forward[i], views);
  EXPECT_EQ(parity[0], forward[4]);
  EXPECT_EQ(parity[1], forward[5]);
}

/// The data shards of a stripe, `sizes` of them at a time, again and again.
void feed_in_groups(const Codec& codec, const std::vector<Bytes>& shards, std::span<const std::size_t> sizes,
                    std::span<const MutableBytes> parity) {
  std::size_t fed = 0;
  for (std::size_t turn = 0; fed < codec.shape().data; ++turn) {
    const std::size_t count = std::min(sizes[turn % sizes.size()], codec.shape().data - fed);
    const std::vector<ByteView> group(shards.begin() + static_cast<std::ptrdiff_t>(fed),
                                      shards.begin() + static_cast<std::ptrdiff_t>(fed + count));
    if (fed == 0) {
      codec.begin_group(group, parity);
    } else {
      codec.accumulate_group(static_cast<std::uint8_t>(fed), group, parity);
    }
    fed += count;
  }
}

TEST(Codec, AddsUpTheSameParityInGroupsOfAnySize) {
  const std::vector<std::vector<std::size_t>> groupings = {{1}, {2}, {3}, {4}, {1, 4}, {2, 1, 3}, {3, 4}};
  for (const Shape shape :
       {Shape{1, 2}, Shape{2, 1}, Shape{3, 2}, Shape{4, 2}, Shape{8, 3}, Shape{16, 4}, Shape{7, 4}, Shape{4, 0}}) {
    const Codec codec(shape);
    for (const std::size_t size : kSizes) {
      const auto expected = encoded(codec, size);
      for (const auto& grouping : groupings) {
        std::vector<GuardedShard> parity(shape.parity, GuardedShard(size));
        std::vector<MutableBytes> views;
        for (GuardedShard& shard : parity) views.push_back(shard.span());
        feed_in_groups(codec, expected, grouping, views);
        for (std::size_t i = 0; i < parity.size(); ++i) {
          EXPECT_TRUE(parity[i].intact());
          EXPECT_TRUE(std::ranges::equal(views[i], expected[shape.data + i]))
              << int{shape.data} << "+" << int{shape.parity} << ", parity " << i << ", " << size << " bytes, groups of "
              << grouping.front();
        }
      }
    }
  }
}

TEST(Codec, LetsShardsOfZerosBeLeftOut) {
  const Codec codec({4, 2});
  const Bytes first = random_bytes(100, 7);
  const Bytes zeros(100);
  std::vector<Bytes> fed(2, Bytes(100));
  std::vector<Bytes> left_out(2, Bytes(100));
  const std::vector<MutableBytes> fed_views(fed.begin(), fed.end());
  const std::vector<MutableBytes> left_out_views(left_out.begin(), left_out.end());
  codec.accumulate(0, first, fed_views);
  for (const std::uint8_t i : {1, 2, 3}) codec.accumulate(i, zeros, fed_views);
  codec.accumulate(0, first, left_out_views);
  EXPECT_EQ(fed, left_out);
}

/// The matrix is part of the format: stored parities must mean the same for ever.
TEST(Codec, KeepsTheCoefficientsThatStoredParitiesWereMadeWith) {
  for (const Shape shape : {Shape{4, 2}, Shape{2, 1}, Shape{8, 3}, Shape{16, 4}}) {
    const Codec codec(shape);
    for (std::uint8_t column = 0; column < shape.data; ++column) {
      std::vector<Bytes> parity(shape.parity, Bytes(1));
      const std::vector<MutableBytes> views(parity.begin(), parity.end());
      codec.accumulate(column, Bytes(1, std::byte{1}), views);
      for (std::uint8_t row = 0; row < shape.parity; ++row) {
        EXPECT_EQ(static_cast<std::uint8_t>(parity[row][0]),
                  inverse(static_cast<std::uint8_t>((shape.data + row) ^ column)));
      }
    }
  }
}

TEST(Codec, MakesPlainCopiesOfASingleDataShard) {
  const Codec codec({1, 2});
  const auto shards = encoded(codec, 100);
  EXPECT_EQ(shards[1], shards[0]);
  EXPECT_EQ(shards[2], shards[0]);
}

TEST(Codec, KeepsDataAloneWhenThereIsNoParity) {
  const Codec codec({4, 0});
  auto shards = encoded(codec, 100);
  const auto before = shards;
  const std::vector<MutableBytes> views(shards.begin(), shards.end());
  EXPECT_TRUE(codec.rebuild(0b1111, 0, views));
  EXPECT_EQ(shards, before);
}

TEST(Shape, IsValidWithinTheBoundsOfWhatIsPlaced) {
  EXPECT_TRUE(valid({1, 0}));
  EXPECT_TRUE(valid({16, 4}));
  EXPECT_FALSE(valid({0, 2}));
  EXPECT_FALSE(valid({17, 2}));
  EXPECT_FALSE(valid({4, 5}));
}

TEST(CodecDeathTest, StopsOnShardsOfDifferentLengths) {
  const Codec codec({2, 1});
  const Bytes data(10);
  Bytes parity(9);
  const std::vector<MutableBytes> views = {parity};
  EXPECT_DEATH(codec.accumulate(0, data, views), "assertion failed");
}

}  // namespace
}  // namespace firn::erasure
