#include "rows/proto_codec.h"

#include <cstring>
#include <limits>

#include "firn/base/assert.h"

namespace firn::metadata {

void to_proto(const NameValues& pairs, google::protobuf::RepeatedPtrField<proto::NameValue>& out) {
  for (const auto& [name, value] : pairs) {
    proto::NameValue& pair = *out.Add();
    pair.set_name(name);
    pair.set_value(value);
  }
}

NameValues from_proto(const google::protobuf::RepeatedPtrField<proto::NameValue>& in) {
  NameValues pairs;
  pairs.reserve(static_cast<std::size_t>(in.size()));
  for (const proto::NameValue& pair : in) pairs.emplace_back(pair.name(), pair.value());
  return pairs;
}

void to_proto(const Attributes& attributes, proto::Attributes& out) {
  const auto set = [](const std::string& text, std::string* (proto::Attributes::*field)(), proto::Attributes& to) {
    if (!text.empty()) *(to.*field)() = text;
  };
  set(attributes.content_type, &proto::Attributes::mutable_content_type, out);
  set(attributes.content_encoding, &proto::Attributes::mutable_content_encoding, out);
  set(attributes.content_disposition, &proto::Attributes::mutable_content_disposition, out);
  set(attributes.content_language, &proto::Attributes::mutable_content_language, out);
  set(attributes.cache_control, &proto::Attributes::mutable_cache_control, out);
  set(attributes.expires, &proto::Attributes::mutable_expires, out);
  set(attributes.website_redirect, &proto::Attributes::mutable_website_redirect, out);
  set(attributes.storage_class, &proto::Attributes::mutable_storage_class, out);
  to_proto(attributes.user_metadata, *out.mutable_user_metadata());
  to_proto(attributes.tags, *out.mutable_tags());
}

Attributes from_proto(const proto::Attributes& in) {
  return {.content_type = in.content_type(),
          .content_encoding = in.content_encoding(),
          .content_disposition = in.content_disposition(),
          .content_language = in.content_language(),
          .cache_control = in.cache_control(),
          .expires = in.expires(),
          .website_redirect = in.website_redirect(),
          .storage_class = in.storage_class(),
          .user_metadata = from_proto(in.user_metadata()),
          .tags = from_proto(in.tags())};
}

bool valid_checksum_kind(std::uint32_t algorithm, std::uint32_t type) {
  return algorithm <= static_cast<std::uint32_t>(ChecksumAlgorithm::sha256) &&
         type <= static_cast<std::uint32_t>(ChecksumType::composite);
}

void to_proto(const Checksum& checksum, proto::Checksum& out) {
  out.set_algorithm(static_cast<std::uint32_t>(checksum.algorithm));
  out.set_type(static_cast<std::uint32_t>(checksum.type));
  out.set_value(checksum.value);
}

bool from_proto(const proto::Checksum& in, Checksum& out) {
  if (!valid_checksum_kind(in.algorithm(), in.type())) return false;
  out = {static_cast<ChecksumAlgorithm>(in.algorithm()), static_cast<ChecksumType>(in.type()), in.value()};
  return true;
}

void to_proto(const PartInfo& part, proto::PartInfo& out) {
  out.set_number(part.number);
  out.set_size_bytes(part.size_bytes);
  out.set_checksum(part.checksum);
}

PartInfo from_proto(const proto::PartInfo& in) { return {in.number(), in.size_bytes(), in.checksum()}; }

void to_proto(const Slice& slice, proto::Slice& out) {
  out.set_lease(slice.extent.lease.value);
  out.set_counter(slice.extent.counter);
  out.set_set(slice.set.value);
  out.set_extent_bytes(slice.extent_bytes);
  out.set_offset(slice.offset);
  out.set_length(slice.length);
}

Slice from_proto(const proto::Slice& in) {
  return {.extent = {LeaseId{in.lease()}, in.counter()},
          .set = SetId{in.set()},
          .extent_bytes = in.extent_bytes(),
          .offset = in.offset(),
          .length = in.length()};
}

void to_proto(const Upload& upload, proto::UploadRow& out) {
  out.set_id(to_bytes(upload.id));
  out.set_key(upload.key);
  out.set_initiated_ms(upload.initiated_ms);
  out.set_checksum_algorithm(static_cast<std::uint32_t>(upload.checksum_algorithm));
  out.set_checksum_type(static_cast<std::uint32_t>(upload.checksum_type));
  out.set_checksum_asked(upload.checksum_asked);
  to_proto(upload.attributes, *out.mutable_attributes());
}

bool from_proto(const proto::UploadRow& in, Upload& out) {
  if (!from_bytes(in.id(), out.id) || !valid_checksum_kind(in.checksum_algorithm(), in.checksum_type())) return false;
  out.key = in.key();
  out.initiated_ms = in.initiated_ms();
  out.checksum_algorithm = static_cast<ChecksumAlgorithm>(in.checksum_algorithm());
  out.checksum_type = static_cast<ChecksumType>(in.checksum_type());
  out.checksum_asked = in.checksum_asked();
  out.attributes = from_proto(in.attributes());
  return true;
}

std::string to_bytes(const Uuid& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

bool from_bytes(std::string_view bytes, Uuid& id) {
  if (bytes.size() != id.bytes.size()) return false;
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return true;
}

std::string serialized(const google::protobuf::MessageLite& message) {
  std::string bytes;
  FIRN_ASSERT(message.SerializeToString(&bytes));
  return bytes;
}

bool parse(std::string_view bytes, google::protobuf::MessageLite& message) {
  constexpr std::size_t kMessageBytesMax = std::numeric_limits<int>::max();
  return bytes.size() <= kMessageBytesMax && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace firn::metadata
