#include "rows/record.h"

#include <charconv>

#include "firn/base/checksum.h"
#include "firn/base/digest.h"
#include "rows/proto_codec.h"
#include "rows/seal.h"

namespace firn::metadata {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kEtagDigits = 32;
constexpr std::uint32_t kPartsMax = 10'000;

/// In the order of their numbers on disk: append only.
constexpr std::string_view kStorageClasses[] = {
    "STANDARD",     "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
    "DEEP_ARCHIVE", "GLACIER_IR",         "OUTPOSTS",    "SNOW",       "EXPRESS_ONEZONE"};

/// Splits "digits" or "digits-N".
bool parse_etag(std::string_view etag, std::string& raw, std::uint32_t& parts) {
  parts = 0;
  if (etag.size() < kEtagDigits || !from_hex(etag.substr(0, kEtagDigits), raw)) return false;
  const std::string_view suffix = etag.substr(kEtagDigits);
  if (suffix.empty()) return true;
  if (suffix[0] != '-' || suffix.size() < 2 || suffix[1] == '0') return false;
  const char* const end = suffix.data() + suffix.size();
  const auto [rest, failure] = std::from_chars(suffix.data() + 1, end, parts);
  return failure == std::errc() && rest == end && parts <= kPartsMax;
}

void set_xxh3(Family family, std::string_view key, std::string& value) {
  const std::uint64_t digest = xxh3(as_bytes(value), row_seed(family, key));
  std::memcpy(value.data() + offsetof(RecordHeader, xxh3), &digest, sizeof digest);
}

bool has_its_xxh3(Family family, std::string_view key, std::string_view value, const RecordHeader& header) {
  RecordHeader zeroed = header;
  zeroed.xxh3 = 0;
  std::string copy;
  copy.reserve(value.size());
  copy.append(reinterpret_cast<const char*>(&zeroed), sizeof zeroed).append(value.substr(sizeof zeroed));
  return xxh3(as_bytes(copy), row_seed(family, key)) == header.xxh3;
}

}  // namespace

Result<RecordHeader> read_record_header(std::string_view value) {
  RecordHeader header;
  if (value.size() < sizeof header) return error(Errc::corrupt, "a record is too short");
  std::memcpy(&header, value.data(), sizeof header);
  if (header.version != kVersion) {
    return error(Errc::unsupported_version, "record of version " + std::to_string(header.version));
  }
  if (header.tail_bytes != value.size() - sizeof header || header.storage_class >= std::size(kStorageClasses) ||
      !valid_checksum_kind(header.checksum_algorithm, header.checksum_type)) {
    return error(Errc::corrupt, "a record's header makes no sense");
  }
  return header;
}

std::string etag_text(const RecordHeader& header) {
  std::string text = to_hex({reinterpret_cast<const char*>(header.etag), sizeof header.etag});
  if (header.etag_parts != 0) text.append("-").append(std::to_string(header.etag_parts));
  return text;
}

bool valid_etag(std::string_view etag) {
  std::string raw;
  std::uint32_t parts = 0;
  return parse_etag(etag, raw, parts);
}

std::string_view storage_class_name(std::uint8_t number) {
  return number == 0 ? std::string_view() : kStorageClasses[number];
}

bool storage_class_number(std::string_view name, std::uint8_t& number) {
  number = 0;
  if (name.empty()) return true;
  for (const std::string_view known : kStorageClasses) {
    if (known == name) return true;
    ++number;
  }
  return false;
}

std::string encode_record(Family family, std::string_view key, const Object& object) {
  proto::RecordTail tail;
  to_proto(object.attributes, *tail.mutable_attributes());
  tail.mutable_attributes()->clear_storage_class();
  tail.set_checksum(object.checksum.value);
  for (const PartInfo& part : object.parts) to_proto(part, *tail.add_parts());
  for (const Slice& slice : object.slices) to_proto(slice, *tail.add_slices());

  RecordHeader header{};
  std::string raw;
  FIRN_ASSERT(parse_etag(object.etag, raw, header.etag_parts));
  FIRN_ASSERT(storage_class_number(object.attributes.storage_class, header.storage_class));
  std::memcpy(header.etag, raw.data(), sizeof header.etag);
  header.version = kVersion;
  header.checksum_algorithm = static_cast<std::uint8_t>(object.checksum.algorithm);
  header.checksum_type = static_cast<std::uint8_t>(object.checksum.type);
  header.tail_bytes = static_cast<std::uint32_t>(tail.ByteSizeLong());
  header.size_bytes = object.size_bytes;
  header.modified_ms = object.modified_ms;
  header.log_index = object.order.log_index;
  header.shard_epoch = object.order.shard_epoch;

  std::string value;
  value.reserve(sizeof header + header.tail_bytes);
  value.append(reinterpret_cast<const char*>(&header), sizeof header);
  FIRN_ASSERT(tail.AppendToString(&value));
  set_xxh3(family, key, value);
  return value;
}

Result<Object> decode_record(Family family, std::string_view key, std::string_view value) {
  Result<RecordHeader> header = read_record_header(value);
  if (!header) {
    if (header.error().code == Errc::corrupt) return corrupt_row(family, key, header.error().detail);
    return header.error();
  }
  proto::RecordTail tail;
  if (!has_its_xxh3(family, key, value, *header)) return corrupt_row(family, key, "checksum");
  if (!parse(value.substr(sizeof(RecordHeader)), tail)) return corrupt_row(family, key, "tail");

  Object object;
  object.order = {header->shard_epoch, header->log_index};
  object.size_bytes = header->size_bytes;
  object.modified_ms = header->modified_ms;
  object.etag = etag_text(*header);
  object.checksum = {static_cast<ChecksumAlgorithm>(header->checksum_algorithm),
                     static_cast<ChecksumType>(header->checksum_type), std::move(*tail.mutable_checksum())};
  object.attributes = from_proto(tail.attributes());
  object.attributes.storage_class = storage_class_name(header->storage_class);
  object.parts.reserve(static_cast<std::size_t>(tail.parts_size()));
  for (const proto::PartInfo& part : tail.parts()) object.parts.push_back(from_proto(part));
  object.slices.reserve(static_cast<std::size_t>(tail.slices_size()));
  for (const proto::Slice& slice : tail.slices()) object.slices.push_back(from_proto(slice));
  return object;
}

std::string encode_part(std::string_view key, const StoredPart& stored) {
  Object object;
  object.order = stored.order;
  object.size_bytes = stored.part.size_bytes;
  object.modified_ms = stored.part.modified_ms;
  object.etag = stored.part.etag;
  object.checksum = stored.part.checksum;
  object.slices = stored.part.slices;
  return encode_record(Family::uploads, key, object);
}

Result<StoredPart> decode_part(std::string_view key, std::uint32_t number, std::string_view value) {
  Result<Object> object = decode_record(Family::uploads, key, value);
  if (!object) return std::move(object).error();
  return StoredPart{.part = {.number = number,
                             .size_bytes = object->size_bytes,
                             .modified_ms = object->modified_ms,
                             .etag = std::move(object->etag),
                             .checksum = std::move(object->checksum),
                             .slices = std::move(object->slices)},
                    .order = object->order};
}

}  // namespace firn::metadata
