#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "shard_read.h"

namespace firn::volume {

/// All shards of one stripe, read whole: what repair and scrub look at.
///
/// Memory: k+m chunks, and as many again for shards that are rebuilt or compared.
class StripeCheck {
 public:
  StripeCheck(std::shared_ptr<Core> core, const Extent& extent, std::uint32_t stripe)
      : core_(std::move(core)), extent_(extent), stripe_(stripe) {}

  /// Reads every shard that a drive holds; each record is verified by its own checksums.
  boost::asio::awaitable<void> read();
  erasure::ShardMask good() const { return good_; }
  /// Whether every drive that answered denies having the record, and at least k answered.
  bool gone() const;

  /// As the records name it.
  BucketId owner() const { return owner_; }

  /// Shards among the good ones that do not fit the others: k of them decide, data before parity.
  Result<erasure::ShardMask> misfits();
  /// Computes the chunks of `wanted` from good shards that are not wanted themselves. Errc::corrupt when there are
  /// fewer than k.
  Result<> rebuild(erasure::ShardMask wanted);
  /// A rebuilt chunk, as long as every chunk of the stripe.
  ByteView rebuilt(std::uint8_t shard) const { return rebuilt_[shard].view(); }
  /// Whether the drive's record of a rebuilt shard is bad, missing, or other than what the others say it should be.
  bool differs(std::uint8_t shard);
  std::uint32_t stored_bytes(std::uint8_t shard) const { return extent_.geometry.stored_bytes(stripe_, shard); }

 private:
  /// The whole chunk of a good shard, zeros included.
  MutableBytes chunk(std::uint8_t shard);

  std::shared_ptr<Core> core_;
  const Extent extent_;
  const std::uint32_t stripe_;
  erasure::ShardMask good_ = 0;
  BucketId owner_;
  std::array<std::shared_ptr<ShardRead>, kShardsMax> reads_;
  std::array<Buffer, kShardsMax> padded_;
  std::array<Buffer, kShardsMax> rebuilt_;
};

}  // namespace firn::volume
