#pragma once

#include <array>
#include <boost/container/static_vector.hpp>
#include <memory>
#include <vector>

#include "flight.h"

namespace firn::volume {

/// Cuts the bytes of one extent into chunks, adds parity, and hands both to a Flight.
class StripeWriter final : public ExtentWriter {
 public:
  StripeWriter(std::shared_ptr<Core> core, std::shared_ptr<const View> view, const Extent& extent, BucketId owner);
  ~StripeWriter() override;

  ExtentId id() const override { return extent_.id; }
  Task<MutableBytes> window() override;
  void advance(std::size_t filled) override;
  std::span<const std::byte* const> alongside() override;
  Task<WrittenExtent> finish() override;

 private:
  Task<> begin_stripe();
  Task<> begin_chunk();
  void start_chunk(std::uint64_t payload_bytes);
  /// Checksums of the chunk's blocks up to `end`, and, once no other chunk is waited for, their share of the parity
  /// with that of the group's.
  void digest(std::uint32_t end);
  /// Checksums of the parity's blocks up to `end`, which no more data will change.
  void digest_parity(std::uint32_t end);
  /// The bytes from `begin` to `end` of the group's chunks, and of the one being filled, go to the parity.
  void add_to_parity(std::uint32_t begin, std::uint32_t end);
  void end_chunk();
  /// Whether no chunk behind the one being filled goes to the parity with it.
  bool ends_group() const;
  bool ends_stripe() const { return shard_ + 1 == extent_.shape.data || is_last_chunk(); }
  bool is_last_chunk() const { return position_ - filled_ + chunk_data_bytes() == extent_.length_bytes(); }
  /// Whether the full chunk stays in memory for the parity, which it does if there is memory for the next one now.
  /// Chunks that go to the parity together cost little more than one: reading and writing the parity is most of it.
  bool keep_for_group();
  void send_chunk();
  void end_stripe();
  void send(std::shared_ptr<RecordMemory> record, std::uint8_t shard);

  std::uint64_t record_bytes(std::uint8_t shard) const {
    return kPageBytes + extent_.geometry.stored_bytes(stripe_, shard);
  }
  std::uint32_t chunk_data_bytes() const { return extent_.geometry.data_bytes(stripe_, shard_); }
  bool complete() const { return position_ == extent_.length_bytes(); }

  std::shared_ptr<Core> core_;
  const Extent extent_;
  const BucketId owner_;
  // Shared with appends and syncs, which may outlive a writer that is given up.
  std::shared_ptr<Flight> flight_;

  std::uint64_t position_ = 0;  // Bytes of the extent accepted.
  std::uint32_t stripe_ = 0;
  std::uint8_t shard_ = 0;
  std::uint32_t filled_ = 0;    // Of the current chunk.
  std::uint32_t digested_ = 0;  // Of these, whole blocks.
  bool in_stripe_ = false;      // Its parity memory is at hand.
  bool whole_stripe_ = false;   // One reservation covers all records of the stripe.
  RecordMemory chunk_;
  // Those before `chunk_` that are not in the parity yet; sent already, so shared with their appends.
  boost::container::static_vector<std::shared_ptr<RecordMemory>, erasure::Codec::kGroupMax - 1> group_;
  std::vector<RecordMemory> parity_;
  std::uint32_t parity_digested_ = 0;  // Of each: whole blocks.
  std::array<const std::byte*, erasure::Codec::kGroupMax - 1 + erasure::kParityShardsMax> alongside_{};
  struct Held {
    std::shared_ptr<RecordMemory> record;
    std::uint8_t shard;
  };
  std::vector<Held> held_;  // Of a small extent: sent together by `finish`.
};

}  // namespace firn::volume
