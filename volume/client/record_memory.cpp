#include "record_memory.h"

#include "firn/base/assert.h"
#include "firn/base/clock.h"

namespace firn::volume {

void clear_header(RecordMemory& record) { new (record.bytes.data()) RecordHeader{}; }

void name_record(RecordMemory& record, const Extent& extent, RecordPlace place, BucketId owner) {
  const std::uint32_t stored_bytes = extent.geometry.stored_bytes(place.stripe, place.shard);
  FIRN_ASSERT(record.bytes.size() == kPageBytes + stored_bytes);
  RecordHeader& header = record.header();
  header.magic = kRecordMagic;
  header.version = kRecordVersion;
  header.shard = place.shard;
  header.data_shards = extent.shape.data;
  header.parity_shards = extent.shape.parity;
  header.set = extent.set.value;
  header.lease = extent.id.lease.value;
  header.counter = extent.id.counter;
  header.extent_bytes = extent.length_bytes();
  header.stripe = place.stripe;
  header.chunk_bytes = extent.geometry.chunk_bytes(place.stripe);
  header.stored_bytes = stored_bytes;
  header.owner_bucket = owner.value;
  header.written_unix_ms = static_cast<std::uint64_t>(system_clock_source().now_unix_ms());
}

void fill_header(RecordMemory& record, const Extent& extent, RecordPlace place, BucketId owner) {
  clear_header(record);
  name_record(record, extent, place, owner);
  checksum_blocks(record.header(), 0, record.payload());
}

Append append_request(RecordMemory& record, const Extent& extent, RecordPlace place, SetEpoch epoch) {
  record.header().set_epoch = epoch.value;
  return {.key = extent.key(place.stripe, place.shard),
          .set = extent.set,
          .set_epoch = epoch,
          .shape = extent.shape,
          .extent_bytes = extent.length_bytes(),
          .chunk_bytes = extent.geometry.chunk_bytes(place.stripe),
          .owner_bucket = BucketId{record.header().owner_bucket},
          .record = record.bytes.span()};
}

}  // namespace firn::volume
