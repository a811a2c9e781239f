// Rows of the metadata store: any value under any key is refused or decoded, and what was decoded is written so that it
// reads the same again.
#include <cstdint>
#include <string>
#include <string_view>

#include "firn/base/assert.h"
#include "firn/base/checksum.h"
#include "rows/keys.h"
#include "rows/record.h"
#include "rows/rows.h"
#include "rows/seal.h"

namespace {

using namespace firn;
using namespace firn::metadata;

constexpr std::string_view kKey = "key";

template <class Row>
void small_row(std::string_view payload) {
  Row row{};
  if (!decode(payload, row)) return;
  const std::string once = encode(row);
  Row again{};
  FIRN_ASSERT(decode(once, again) && encode(again) == once);
  FIRN_ASSERT(unseal_row<Row>(Family::config, kKey, seal(Family::config, kKey, once)));
}

/// Every row that is sealed whole.
void sealed(std::string_view payload) {
  (void)unseal(Family::config, kKey, payload);
  const std::string value = seal(Family::config, kKey, payload);
  const auto unsealed = unseal(Family::config, kKey, value);
  FIRN_ASSERT(unsealed && *unsealed == payload);
  FIRN_ASSERT(unseal(Family::config, "other", value).code() == Errc::corrupt);
  FIRN_ASSERT(unseal(Family::buckets, kKey, value).code() == Errc::corrupt);
  (void)decode_progress(payload);
  small_row<HolderRow>(payload);
  small_row<SetsCount>(payload);
  small_row<DegradedExtent>(payload);
  small_row<FreedExtent>(payload);
  small_row<BucketUsage>(payload);
  small_row<Bucket>(payload);
  small_row<Upload>(payload);
  small_row<CompletedRow>(payload);
  small_row<MapRecord>(payload);
  small_row<SetHistory>(payload);
  small_row<std::uint64_t>(payload);
  small_row<Uuid>(payload);
}

void record(std::string_view input) {
  (void)decode_record(Family::current, kKey, input);
  std::string value(input);
  if (value.size() < sizeof(RecordHeader)) return;
  // With its version, length and checksum right, the rest is up to the decoder.
  RecordHeader header;
  std::memcpy(&header, value.data(), sizeof header);
  header.version = 1;
  header.tail_bytes = static_cast<std::uint32_t>(value.size() - sizeof header);
  header.xxh3 = 0;
  std::memcpy(value.data(), &header, sizeof header);
  header.xxh3 = xxh3(as_bytes(value), row_seed(Family::current, kKey));
  std::memcpy(value.data(), &header, sizeof header);
  const auto object = decode_record(Family::current, kKey, value);
  if (!object) return;
  if (!valid_etag(object->etag)) return;  // More parts than an upload has: apply refuses to write it.
  const std::string once = encode_record(Family::current, kKey, *object);
  const auto again = decode_record(Family::current, kKey, once);
  FIRN_ASSERT(again && encode_record(Family::current, kKey, *again) == once);
  FIRN_ASSERT(decode_record(Family::uploads, kKey, once).code() == Errc::corrupt);
}

void row_keys(std::string_view row) {
  std::string key;
  Uuid id;
  if (keys::parse_upload(row, key, id)) {
    const BucketId bucket{0};
    std::string again;
    Uuid again_id;
    FIRN_ASSERT(keys::parse_upload(keys::upload(bucket, key, id), again, again_id) && again == key && again_id == id);
  }
  std::uint32_t number = 0;
  (void)keys::parse_part(row, number);
  ExtentId extent;
  SetId set;
  keys::HolderKind kind{};
  VersionOrder order;
  if (keys::parse_holder(row, extent, kind, order)) FIRN_ASSERT(keys::holder(extent, kind, order) == row);
  if (keys::parse_extent_of_set(row, set, extent)) FIRN_ASSERT(keys::extent_of_set(set, extent) == row);
  if (keys::parse_degraded_extent(row, extent)) FIRN_ASSERT(keys::degraded_extent(extent) == row);
  std::uint64_t sequence = 0;
  if (keys::parse_freed(row, sequence)) FIRN_ASSERT(keys::freed(sequence) == row);
  BucketId bucket;
  if (keys::parse_deleted_bucket(row, bucket)) FIRN_ASSERT(keys::deleted_bucket(bucket) == row);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr void (*kTargets[])(std::string_view) = {sealed, record, row_keys};
  kTargets[data[0] % std::size(kTargets)](input);
  return 0;
}
