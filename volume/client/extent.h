#pragma once

#include "firn/base/ids.h"
#include "firn/erasure/codec.h"
#include "firn/volume/record.h"
#include "firn/volume/stripe.h"

namespace firn::volume {

/// Shards of one stripe at most: what arrays by shard are sized for.
inline constexpr std::size_t kShardsMax = erasure::kDataShardsMax + erasure::kParityShardsMax;

constexpr erasure::ShardMask shard_bit(unsigned shard) { return erasure::ShardMask{1} << shard; }
inline erasure::ShardMask all_shards(erasure::Shape shape) { return shard_bit(shape.total()) - 1; }

/// The whole blocks around a range of a chunk.
inline ByteRange whole_blocks(ByteRange range) {
  const std::uint64_t offset = range.offset / kBlockBytes * kBlockBytes;
  return {offset, round_up_to_page(range.end()) - offset};
}

/// What every record of an extent has in common.
struct Extent {
  Extent(ExtentId extent_id, SetId set_id, erasure::Shape set_shape, std::uint64_t length)
      : id(extent_id), set(set_id), shape(set_shape), geometry(length, set_shape) {}

  std::uint64_t length_bytes() const { return geometry.extent_bytes(); }
  RecordKey key(std::uint32_t stripe, std::uint8_t shard) const { return {id, stripe, shard}; }

  ExtentId id;
  SetId set;
  erasure::Shape shape;
  StripeGeometry geometry;
};

}  // namespace firn::volume
