#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <type_traits>

#include "firn/base/buffer.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"

namespace firn::volume {

static_assert(std::endian::native == std::endian::little, "add byte swaps before porting");

/// Largest chunk: a 64 KiB Parquet range touches one drive, and 1 MiB keeps a record's checksums in its header page.
inline constexpr std::uint32_t kChunkBytesMax = 1U << 20;
inline constexpr std::uint32_t kBlockBytes = kPageBytes;  ///< Unit of verification: one checksum per block.
inline constexpr std::uint32_t kBlocksMax = kChunkBytesMax / kBlockBytes;
inline constexpr std::uint16_t kRecordVersion = 1;
inline constexpr std::uint64_t kRecordMagic = 0x0D5243524E524946ULL;  // "FIRNRCR\r", little endian.

/// The header page of a shard record, followed by the chunk's blocks. docs/formats/record.md is the
/// human version. Written together with its chunk, never changed in place.
struct RecordHeader {
  std::uint64_t magic;
  std::uint64_t header_xxh3;  ///< Of the page with this field zero; checked before any other field is believed.
  std::uint16_t version;
  std::uint8_t shard;        ///< 0..k-1 data, k..k+m-1 parity.
  std::uint8_t data_shards;  ///< k and m of the set when this was written: a record explains itself.
  std::uint8_t parity_shards;
  std::uint8_t reserved0[3];  ///< Zero; a reader refuses anything else.
  std::uint32_t set;
  std::uint32_t set_epoch;
  std::uint64_t lease;  ///< ExtentId.
  std::uint64_t counter;
  std::uint64_t extent_bytes;  ///< Length of the whole extent: gives every stripe's geometry.
  std::uint32_t stripe;
  std::uint32_t chunk_bytes;  ///< Of every shard of this stripe; a multiple of kBlockBytes.
  std::uint32_t
      stored_bytes;       ///< Payload that follows this page on disk, whole blocks; the rest of the chunk is zeros.
  std::uint32_t segment;  ///< Where it was written: catches misdirected writes.
  std::uint32_t segment_incarnation;
  std::uint32_t reserved1;      ///< Zero.
  std::uint64_t segment_nonce;  ///< Of the segment's header: tells this incarnation's records from older ones.
  std::uint64_t offset_bytes;   ///< Of this header in its segment.
  std::uint8_t cluster[16];
  std::uint64_t owner_bucket;            ///< A hint for people and fsck; no decision reads it.
  std::uint64_t written_unix_ms;         ///< For people; no decision reads it.
  std::uint8_t reserved2[384];           ///< Zero.
  std::uint64_t block_xxh3[kBlocksMax];  ///< XXH3-64 of each 4 KiB block of the chunk; zero past the last.
  std::uint8_t reserved3[1536];          ///< Zero.
};
static_assert(sizeof(RecordHeader) == kPageBytes && std::is_trivially_copyable_v<RecordHeader>);
static_assert(std::has_unique_object_representations_v<RecordHeader>, "no hidden padding");

/// Which record is meant.
struct RecordKey {
  ExtentId extent;
  std::uint32_t stripe = 0;
  std::uint8_t shard = 0;
  friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

/// Magic, version, checksum and reserved fields. Errc::corrupt or Errc::unsupported_version.
Result<> verify_header(const RecordHeader& header);
/// `verify_header`, and that it is the record asked for.
Result<> verify_identity(const RecordHeader& header, const RecordKey& key);
/// Compares whole blocks with the header's checksums; `first_block` is the number of `blocks`' first. Errc::corrupt
/// names it.
Result<> verify_blocks(const RecordHeader& header, std::uint32_t first_block, ByteView blocks);
/// Fills block_xxh3 for whole, zero-filled blocks of the chunk; `first_block` is the number of `blocks`' first.
void checksum_blocks(RecordHeader& header, std::uint32_t first_block, ByteView blocks);
/// Sets header_xxh3: the last thing before it is written.
void seal_header(RecordHeader& header);

}  // namespace firn::volume
