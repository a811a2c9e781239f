#pragma once

#include <cstdint>

#include "firn/base/ids.h"
#include "firn/erasure/codec.h"
#include "firn/volume/record.h"

namespace firn::volume {

/// Where the bytes of an extent lie: pure arithmetic on its length and shape, the same on every node and in every
/// version.
///
/// All stripes but the last hold k chunks of kChunkBytesMax. The last one's chunk is the remaining bytes over k,
/// rounded up to whole blocks; its data shards past the end are zeros that are not stored.
class StripeGeometry {
 public:
  StripeGeometry(std::uint64_t extent_bytes, erasure::Shape shape);

  std::uint64_t extent_bytes() const { return extent_bytes_; }
  std::uint32_t stripes() const;
  std::uint32_t chunk_bytes(std::uint32_t stripe) const;
  /// Bytes of the extent that data shard `shard` of `stripe` holds; 0 past the extent's end.
  std::uint32_t data_bytes(std::uint32_t stripe, std::uint8_t shard) const;
  /// What the record of any shard, parity included, stores after its header page: whole blocks.
  std::uint32_t stored_bytes(std::uint32_t stripe, std::uint8_t shard) const;

  /// A place in the extent.
  struct Place {
    std::uint32_t stripe = 0;
    std::uint8_t shard = 0;
    std::uint32_t offset = 0;  ///< In the chunk.
  };
  Place locate(std::uint64_t extent_offset) const;

 private:
  std::uint64_t extent_bytes_;
  erasure::Shape shape_;
};

}  // namespace firn::volume
