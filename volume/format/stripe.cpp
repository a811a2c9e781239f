#include "firn/volume/stripe.h"

#include <algorithm>

#include "firn/base/assert.h"

namespace firn::volume {

StripeGeometry::StripeGeometry(std::uint64_t extent_bytes, erasure::Shape shape)
    : extent_bytes_(extent_bytes), shape_(shape) {
  FIRN_ASSERT(shape_.data > 0);
}

std::uint32_t StripeGeometry::stripes() const {
  const std::uint64_t full_stripe = std::uint64_t{shape_.data} * kChunkBytesMax;
  return static_cast<std::uint32_t>((extent_bytes_ + full_stripe - 1) / full_stripe);
}

std::uint32_t StripeGeometry::chunk_bytes(std::uint32_t stripe) const {
  const std::uint64_t full_stripe = std::uint64_t{shape_.data} * kChunkBytesMax;
  const std::uint64_t start = stripe * full_stripe;
  if (start >= extent_bytes_) return 0;
  const std::uint64_t remaining = std::min(extent_bytes_ - start, full_stripe);
  return static_cast<std::uint32_t>(round_up_to_page((remaining + shape_.data - 1) / shape_.data));
}

std::uint32_t StripeGeometry::data_bytes(std::uint32_t stripe, std::uint8_t shard) const {
  if (shard >= shape_.data) return 0;
  const std::uint64_t chunk = chunk_bytes(stripe);
  const std::uint64_t start = stripe * (std::uint64_t{shape_.data} * kChunkBytesMax) + shard * chunk;
  if (start >= extent_bytes_) return 0;
  return static_cast<std::uint32_t>(std::min(extent_bytes_ - start, chunk));
}

std::uint32_t StripeGeometry::stored_bytes(std::uint32_t stripe, std::uint8_t shard) const {
  // Data shard 0 always fills its chunk's blocks, so parity is never shorter than the chunk.
  if (shard >= shape_.data) return chunk_bytes(stripe);
  return static_cast<std::uint32_t>(round_up_to_page(data_bytes(stripe, shard)));
}

StripeGeometry::Place StripeGeometry::locate(std::uint64_t extent_offset) const {
  FIRN_ASSERT(extent_offset < extent_bytes_);
  const std::uint64_t full_stripe = std::uint64_t{shape_.data} * kChunkBytesMax;
  const auto stripe = static_cast<std::uint32_t>(extent_offset / full_stripe);
  const std::uint64_t within = extent_offset % full_stripe;
  const std::uint32_t chunk = chunk_bytes(stripe);
  return {.stripe = stripe,
          .shard = static_cast<std::uint8_t>(within / chunk),
          .offset = static_cast<std::uint32_t>(within % chunk)};
}

}  // namespace firn::volume
