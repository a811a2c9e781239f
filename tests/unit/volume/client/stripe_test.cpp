#include "firn/volume/stripe.h"

#include <gtest/gtest.h>

#include "fake_cluster.h"

namespace firn::volume {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;

TEST(StripeGeometry, CutsASmallExtentIntoWholeBlocksPerShard) {
  const StripeGeometry geometry(64U << 10, {4, 2});
  EXPECT_EQ(geometry.stripes(), 1U);
  EXPECT_EQ(geometry.chunk_bytes(0), 16U << 10);
  for (std::uint8_t shard = 0; shard < 6; ++shard) EXPECT_EQ(geometry.stored_bytes(0, shard), 16U << 10);
}

TEST(StripeGeometry, StoresNothingForShardsPastTheEnd) {
  const StripeGeometry geometry(1, {4, 2});
  EXPECT_EQ(geometry.chunk_bytes(0), 4096U);
  EXPECT_EQ(geometry.data_bytes(0, 0), 1U);
  EXPECT_EQ(geometry.stored_bytes(0, 0), 4096U);
  for (std::uint8_t shard = 1; shard < 4; ++shard) EXPECT_EQ(geometry.stored_bytes(0, shard), 0U);
  EXPECT_EQ(geometry.stored_bytes(0, 4), 4096U);
  EXPECT_EQ(geometry.stored_bytes(0, 5), 4096U);
}

TEST(StripeGeometry, GivesFullStripesChunksOfOneMiB) {
  const StripeGeometry geometry(9 * kMiB + 17, {4, 2});
  EXPECT_EQ(geometry.stripes(), 3U);
  EXPECT_EQ(geometry.chunk_bytes(0), kMiB);
  EXPECT_EQ(geometry.chunk_bytes(1), kMiB);
  EXPECT_EQ(geometry.chunk_bytes(2), (256U << 10) + 4096);
  EXPECT_EQ(geometry.chunk_bytes(3), 0U);
}

TEST(StripeGeometry, CoversEveryByteExactlyOnce) {
  for (const erasure::Shape shape : {erasure::Shape{4, 2}, {1, 2}, {2, 1}, {16, 4}, {3, 0}}) {
    for (const std::size_t length : testing::boundary_lengths()) {
      const StripeGeometry geometry(length, shape);
      std::uint64_t position = 0;
      for (std::uint32_t stripe = 0; stripe < geometry.stripes(); ++stripe) {
        EXPECT_LE(geometry.chunk_bytes(stripe), kChunkBytesMax);
        EXPECT_EQ(geometry.chunk_bytes(stripe) % kBlockBytes, 0U);
        for (std::uint8_t shard = 0; shard < shape.data; ++shard) {
          const std::uint32_t bytes = geometry.data_bytes(stripe, shard);
          EXPECT_GE(geometry.stored_bytes(stripe, shard), bytes);
          EXPECT_LE(geometry.stored_bytes(stripe, shard), geometry.chunk_bytes(stripe));
          if (bytes == 0) continue;
          for (const std::uint32_t offset : {0U, bytes - 1}) {
            const auto place = geometry.locate(position + offset);
            EXPECT_EQ(place.stripe, stripe);
            EXPECT_EQ(place.shard, shard);
            EXPECT_EQ(place.offset, offset);
          }
          position += bytes;
        }
      }
      EXPECT_EQ(position, length);
    }
  }
}

TEST(StripeGeometry, NeverStoresLessForParityThanForData) {
  for (const std::size_t length : testing::boundary_lengths()) {
    const StripeGeometry geometry(length, {4, 2});
    for (std::uint32_t stripe = 0; stripe < geometry.stripes(); ++stripe) {
      EXPECT_EQ(geometry.stored_bytes(stripe, 0), geometry.stored_bytes(stripe, 4));
    }
  }
}

}  // namespace
}  // namespace firn::volume
