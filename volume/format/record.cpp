#include "firn/volume/record.h"

#include <algorithm>
#include <string>

#include "firn/base/checksum.h"
#include "firn/erasure/codec.h"

namespace firn::volume {
namespace {

/// XXH3 of the page as if header_xxh3 were zero.
std::uint64_t header_checksum(const RecordHeader& header) {
  RecordHeader copy = header;
  copy.header_xxh3 = 0;
  return xxh3(std::as_bytes(std::span(&copy, 1)));
}

template <std::size_t N>
bool all_zero(const std::uint8_t (&bytes)[N]) {
  return std::all_of(bytes, bytes + N, [](std::uint8_t byte) { return byte == 0; });
}

bool reserved_is_zero(const RecordHeader& header) {
  return all_zero(header.reserved0) && header.reserved1 == 0 && all_zero(header.reserved2) &&
         all_zero(header.reserved3);
}

bool lengths_make_sense(const RecordHeader& header) {
  return header.chunk_bytes <= kChunkBytesMax && header.chunk_bytes % kBlockBytes == 0 &&
         header.stored_bytes <= header.chunk_bytes && header.stored_bytes % kBlockBytes == 0;
}

}  // namespace

Result<> verify_header(const RecordHeader& header) {
  if (header.magic != kRecordMagic) return error(Errc::corrupt, "record header: no magic");
  if (header.header_xxh3 != header_checksum(header)) return error(Errc::corrupt, "record header: checksum");
  if (header.version != kRecordVersion) {
    return error(Errc::unsupported_version, "record version " + std::to_string(header.version));
  }
  if (!reserved_is_zero(header)) return error(Errc::corrupt, "record header: reserved bytes are set");
  if (!lengths_make_sense(header)) return error(Errc::corrupt, "record header: lengths");
  const erasure::Shape shape{header.data_shards, header.parity_shards};
  if (!erasure::valid(shape) || header.shard >= shape.total()) return error(Errc::corrupt, "record header: shape");
  return {};
}

Result<> verify_identity(const RecordHeader& header, const RecordKey& key) {
  if (auto sound = verify_header(header); !sound) return sound;
  const RecordKey found{{LeaseId{header.lease}, header.counter}, header.stripe, header.shard};
  if (found != key) {
    return error(Errc::corrupt, "record of extent " + to_string(found.extent) + " stripe " +
                                    std::to_string(found.stripe) + " shard " + std::to_string(found.shard) +
                                    " where extent " + to_string(key.extent) + " stripe " + std::to_string(key.stripe) +
                                    " shard " + std::to_string(key.shard) + " should be");
  }
  return {};
}

Result<> verify_blocks(const RecordHeader& header, std::uint32_t first_block, ByteView blocks) {
  if (blocks.size() % kBlockBytes != 0) return error(Errc::corrupt, "record: part of a block");
  const std::size_t count = blocks.size() / kBlockBytes;
  if (first_block > kBlocksMax || count > kBlocksMax - first_block)
    return error(Errc::corrupt, "record: too many blocks");
  for (std::size_t i = 0; i < count; ++i) {
    if (xxh3(blocks.subspan(i * kBlockBytes, kBlockBytes)) != header.block_xxh3[first_block + i]) {
      return error(Errc::corrupt, "record of extent " + to_string(ExtentId{LeaseId{header.lease}, header.counter}) +
                                      " stripe " + std::to_string(header.stripe) + " shard " +
                                      std::to_string(header.shard) + ": block " + std::to_string(first_block + i));
    }
  }
  return {};
}

void checksum_blocks(RecordHeader& header, std::uint32_t first_block, ByteView blocks) {
  const std::size_t count = blocks.size() / kBlockBytes;
  FIRN_ASSERT(blocks.size() % kBlockBytes == 0 && first_block <= kBlocksMax && count <= kBlocksMax - first_block);
  for (std::size_t i = 0; i < count; ++i) {
    header.block_xxh3[first_block + i] = xxh3(blocks.subspan(i * kBlockBytes, kBlockBytes));
  }
}

void seal_header(RecordHeader& header) {
  header.magic = kRecordMagic;
  header.header_xxh3 = header_checksum(header);
}

}  // namespace firn::volume
