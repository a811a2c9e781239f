#pragma once

#include <string>
#include <string_view>

#include "firn/metadata/client.h"
#include "rows/key_values.h"

namespace firn::metadata {

/// The first bytes of an object's or part's record: what LIST answers from.
struct RecordHeader {
  std::uint8_t version;
  std::uint8_t storage_class;
  std::uint8_t checksum_algorithm;
  std::uint8_t checksum_type;
  std::uint32_t tail_bytes;
  std::uint64_t xxh3;
  std::uint64_t size_bytes;
  std::int64_t modified_ms;
  std::uint64_t log_index;
  std::uint32_t shard_epoch;
  std::uint32_t etag_parts;
  std::uint8_t etag[16];
};
static_assert(sizeof(RecordHeader) == 64 && std::has_unique_object_representations_v<RecordHeader>);

/// The header of a record whose lengths and numbers make sense. It is not verified: a reader that answers from the rest
/// uses `decode_record`.
Result<RecordHeader> read_record_header(std::string_view value);
std::string etag_text(const RecordHeader& header);
/// An entity tag Firn can keep: 32 hexadecimal digits, and "-N" with N from 1 to 10,000.
bool valid_etag(std::string_view etag);

/// The storage class with this number, empty for STANDARD.
std::string_view storage_class_name(std::uint8_t number);
/// False when Firn knows no such class. Empty is STANDARD.
bool storage_class_number(std::string_view name, std::uint8_t& number);

/// The value of an object's row. The etag and the storage class must be valid.
std::string encode_record(Family family, std::string_view key, const Object& object);
/// Errc::corrupt when the checksum is another; unsupported_version.
Result<Object> decode_record(Family family, std::string_view key, std::string_view value);

/// A part's record has the same form.
struct StoredPart {
  Part part;
  VersionOrder order;
};
std::string encode_part(std::string_view key, const StoredPart& part);
Result<StoredPart> decode_part(std::string_view key, std::uint32_t number, std::string_view value);

}  // namespace firn::metadata
