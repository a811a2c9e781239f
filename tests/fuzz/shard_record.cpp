// The header page of a shard record, and the blocks behind it: what is believed makes sense, belongs to one place, and
// no block passes with a bit changed.
#include <cstdint>
#include <string>
#include <string_view>

#include "firn/base/assert.h"
#include "firn/volume/record.h"
#include "pages.h"
#include "shard/segment_format.h"

namespace {

using namespace firn;
using namespace firn::volume;

void check_place(const RecordHeader& header) {
  const RecordKey key{{LeaseId{header.lease}, header.counter}, header.stripe, header.shard};
  FIRN_ASSERT(verify_identity(header, key));
  const ExtentId next_lease{LeaseId{header.lease + 1}, header.counter};
  const ExtentId next_counter{LeaseId{header.lease}, header.counter + 1};
  const RecordKey others[] = {{next_lease, header.stripe, header.shard},
                              {next_counter, header.stripe, header.shard},
                              {key.extent, header.stripe + 1, header.shard},
                              {key.extent, header.stripe, static_cast<std::uint8_t>(header.shard + 1)}};
  for (const RecordKey& other : others) FIRN_ASSERT(verify_identity(header, other).code() == Errc::corrupt);
  SegmentIdentity segment;
  segment.segment = SegmentId{header.segment};
  segment.incarnation = header.segment_incarnation;
  segment.nonce = header.segment_nonce;
  std::memcpy(segment.cluster.bytes.data(), header.cluster, sizeof header.cluster);
  FIRN_ASSERT(is_record_at(header, segment, header.offset_bytes));
  FIRN_ASSERT(!is_record_at(header, segment, header.offset_bytes + kPageBytes));
  ++segment.nonce;
  FIRN_ASSERT(!is_record_at(header, segment, header.offset_bytes));
}

void check_blocks(RecordHeader header, std::string_view payload) {
  constexpr std::size_t kBlocks = 3;
  std::string chunk(kBlocks * kBlockBytes, '\0');
  payload.copy(chunk.data(), chunk.size());
  // As found, the checksums are of other bytes; whatever they say, this must not read beyond its arrays.
  (void)verify_blocks(header, static_cast<std::uint32_t>(payload.size()), as_bytes(chunk));
  FIRN_ASSERT(!verify_blocks(header, 0, as_bytes(payload)) || payload.size() % kBlockBytes == 0);

  checksum_blocks(header, 0, as_bytes(chunk));
  FIRN_ASSERT(verify_blocks(header, 0, as_bytes(chunk)));
  FIRN_ASSERT(verify_blocks(header, 1, as_bytes(chunk).subspan(kBlockBytes)));
  chunk[payload.size() % chunk.size()] ^= 1;
  FIRN_ASSERT(verify_blocks(header, 0, as_bytes(chunk)).code() == Errc::corrupt);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto header = fuzz::page_of<RecordHeader>(input);
  FIRN_ASSERT(!verify_header(header) || header.magic == kRecordMagic);
  if (data[0] % 2 == 0) seal_header(header);  // Else nothing would get past the checksum.
  if (verify_header(header)) {
    FIRN_ASSERT(header.stored_bytes <= header.chunk_bytes && header.chunk_bytes <= kChunkBytesMax);
    FIRN_ASSERT(header.stored_bytes % kBlockBytes == 0 && header.shard < header.data_shards + header.parity_shards);
    check_place(header);
    RecordHeader flipped = header;
    reinterpret_cast<std::uint8_t*>(&flipped)[data[0] * 16 + 15] ^= 0x40;
    FIRN_ASSERT(!verify_header(flipped));
  }
  check_blocks(header, fuzz::behind<RecordHeader>(input));
  return 0;
}
