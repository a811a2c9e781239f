#include "shard/index_format.h"

#include <cstring>

namespace firn::volume {
namespace {

// Before those of records: releases that do not know it pass it over.
constexpr char kRecoveredKind = 'b';
constexpr char kIndexKind = 'm';
constexpr char kRecordKind = 'r';
constexpr char kSegmentKind = 's';
constexpr std::uint8_t kRowVersion = 1;

struct RecordRowBytes {
  std::uint8_t version;
  std::uint8_t reserved[3];
  std::uint32_t segment;
  std::uint32_t incarnation;
  std::uint32_t page;
  std::uint32_t stored_bytes;
  std::uint32_t chunk_bytes;
  std::uint32_t set;
  std::uint32_t set_epoch;
  std::uint64_t extent_bytes;
};
static_assert(sizeof(RecordRowBytes) == 40 && std::has_unique_object_representations_v<RecordRowBytes>);

struct SegmentRowBytes {
  std::uint8_t version;
  std::uint8_t state;
  std::uint8_t reserved[2];
  std::uint32_t incarnation;
  std::uint64_t nonce;
  std::uint64_t birth;
  std::uint64_t mark_bytes;
  std::uint64_t live_bytes;
  std::uint32_t live_records;
  std::uint32_t records;
};
static_assert(sizeof(SegmentRowBytes) == 48 && std::has_unique_object_representations_v<SegmentRowBytes>);

struct IndexRowBytes {
  std::uint8_t version;
  std::uint8_t complete;
  std::uint8_t reserved[6];
  std::uint8_t drive[16];
};
static_assert(sizeof(IndexRowBytes) == 24 && std::has_unique_object_representations_v<IndexRowBytes>);

struct RecoveredRowBytes {
  std::uint8_t version;
  std::uint8_t reserved[7];
  std::uint64_t from;
};
static_assert(sizeof(RecoveredRowBytes) == 16 && std::has_unique_object_representations_v<RecoveredRowBytes>);

template <class Number>
void put_big_endian(std::string& out, Number value) {
  for (int shift = (sizeof value - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xFF));
}

template <class Number>
Number take_big_endian(std::string_view& in) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<Number>(value << 8 | static_cast<std::uint8_t>(in[i]));
  }
  in.remove_prefix(sizeof value);
  return value;
}

template <class Bytes>
std::string row_text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(&bytes), sizeof bytes};
}

/// Length, version, reserved bytes.
template <class Bytes>
Result<Bytes> read_row(std::string_view row, const char* what) {
  Bytes bytes;
  if (row.empty()) return error(Errc::corrupt, std::string(what) + ": empty");
  if (static_cast<std::uint8_t>(row[0]) != kRowVersion) {
    return error(Errc::unsupported_version, std::string(what) + ": version " + std::to_string(row[0]));
  }
  if (row.size() != sizeof bytes) return error(Errc::corrupt, std::string(what) + ": length");
  std::memcpy(&bytes, row.data(), sizeof bytes);
  for (const std::uint8_t byte : bytes.reserved) {
    if (byte != 0) return error(Errc::corrupt, std::string(what) + ": reserved bytes");
  }
  return bytes;
}

}  // namespace

std::string index_key() { return {kIndexKind}; }

std::string recovered_key() { return {kRecoveredKind}; }

std::string extent_prefix(const ExtentId& extent) {
  std::string key;
  key.reserve(kRecordKeyBytes);
  key.push_back(kRecordKind);
  put_big_endian(key, extent.lease.value);
  put_big_endian(key, extent.counter);
  return key;
}

std::string record_key(const RecordKey& key) {
  std::string text = extent_prefix(key.extent);
  put_big_endian(text, key.stripe);
  text.push_back(static_cast<char>(key.shard));
  return text;
}

std::string segment_key(SegmentId segment) {
  std::string key{kSegmentKind};
  put_big_endian(key, segment.value);
  return key;
}

bool parse_record_key(std::string_view key, RecordKey& parsed) {
  if (key.size() != kRecordKeyBytes || key[0] != kRecordKind) return false;
  key.remove_prefix(1);
  parsed.extent.lease = LeaseId{take_big_endian<std::uint64_t>(key)};
  parsed.extent.counter = take_big_endian<std::uint64_t>(key);
  parsed.stripe = take_big_endian<std::uint32_t>(key);
  parsed.shard = static_cast<std::uint8_t>(key[0]);
  return true;
}

bool parse_segment_key(std::string_view key, SegmentId& parsed) {
  if (key.size() != 1 + sizeof parsed.value || key[0] != kSegmentKind) return false;
  key.remove_prefix(1);
  parsed = SegmentId{take_big_endian<std::uint32_t>(key)};
  return true;
}

std::string make_row(const RecordRow& row) {
  return row_text(RecordRowBytes{.version = kRowVersion,
                                 .reserved = {},
                                 .segment = row.segment.value,
                                 .incarnation = row.incarnation,
                                 .page = row.page,
                                 .stored_bytes = row.stored_bytes,
                                 .chunk_bytes = row.chunk_bytes,
                                 .set = row.set.value,
                                 .set_epoch = row.set_epoch.value,
                                 .extent_bytes = row.extent_bytes});
}

std::string make_row(const SegmentRow& row) {
  return row_text(SegmentRowBytes{.version = kRowVersion,
                                  .state = static_cast<std::uint8_t>(row.state),
                                  .reserved = {},
                                  .incarnation = row.incarnation,
                                  .nonce = row.nonce,
                                  .birth = row.birth,
                                  .mark_bytes = row.mark_bytes,
                                  .live_bytes = row.live_bytes,
                                  .live_records = row.live_records,
                                  .records = row.records});
}

std::string make_row(const IndexRow& row) {
  IndexRowBytes bytes{.version = kRowVersion, .complete = row.complete, .reserved = {}, .drive = {}};
  std::memcpy(bytes.drive, row.drive.bytes.data(), sizeof bytes.drive);
  return row_text(bytes);
}

std::string make_row(const RecoveredRow& row) {
  return row_text(RecoveredRowBytes{.version = kRowVersion, .reserved = {}, .from = row.from.value});
}

Result<RecordRow> parse_record_row(std::string_view row) {
  auto bytes = read_row<RecordRowBytes>(row, "index record row");
  if (!bytes) return std::move(bytes).error();
  if (bytes->chunk_bytes > kChunkBytesMax || bytes->stored_bytes > bytes->chunk_bytes ||
      bytes->stored_bytes % kBlockBytes != 0) {
    return error(Errc::corrupt, "index record row: lengths");
  }
  return RecordRow{.segment = SegmentId{bytes->segment},
                   .incarnation = bytes->incarnation,
                   .page = bytes->page,
                   .stored_bytes = bytes->stored_bytes,
                   .chunk_bytes = bytes->chunk_bytes,
                   .set = SetId{bytes->set},
                   .set_epoch = SetEpoch{bytes->set_epoch},
                   .extent_bytes = bytes->extent_bytes};
}

Result<SegmentRow> parse_segment_row(std::string_view row) {
  auto bytes = read_row<SegmentRowBytes>(row, "index segment row");
  if (!bytes) return std::move(bytes).error();
  if (bytes->state > static_cast<std::uint8_t>(SegmentState::sealed) || bytes->mark_bytes % kPageBytes != 0) {
    return error(Errc::corrupt, "index segment row: fields");
  }
  return SegmentRow{.state = static_cast<SegmentState>(bytes->state),
                    .incarnation = bytes->incarnation,
                    .nonce = bytes->nonce,
                    .birth = bytes->birth,
                    .mark_bytes = bytes->mark_bytes,
                    .live_bytes = bytes->live_bytes,
                    .live_records = bytes->live_records,
                    .records = bytes->records};
}

Result<IndexRow> parse_index_row(std::string_view row) {
  auto bytes = read_row<IndexRowBytes>(row, "index head row");
  if (!bytes) return std::move(bytes).error();
  IndexRow parsed{.drive = {}, .complete = bytes->complete == 1};
  std::memcpy(parsed.drive.bytes.data(), bytes->drive, sizeof bytes->drive);
  return parsed;
}

Result<RecoveredRow> parse_recovered_row(std::string_view row) {
  auto bytes = read_row<RecoveredRowBytes>(row, "index row of what came back");
  if (!bytes) return std::move(bytes).error();
  return RecoveredRow{.from = LeaseId{bytes->from}};
}

}  // namespace firn::volume
