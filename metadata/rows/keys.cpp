#include "rows/keys.h"

#include "rows/bytes.h"

namespace firn::metadata::keys {
namespace {

void append(std::string& out, const Uuid& id) {
  out.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

void append(std::string& out, const ExtentId& extent) {
  append_big(out, extent.lease.value);
  append_big(out, extent.counter);
}

void append(std::string& out, const VersionOrder& order) {
  append_big(out, order.shard_epoch);
  append_big(out, order.log_index);
}

ExtentId read_extent(ByteReader& in) {
  const auto lease = in.big<std::uint64_t>();
  return {LeaseId{lease}, in.big<std::uint64_t>()};
}

void read_uuid(ByteReader& in, Uuid& id) {
  const std::string_view bytes = in.take(id.bytes.size());
  if (in.ok()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
}

std::string kind(char letter) { return std::string(1, letter); }

/// A zero byte becomes 00 FF, so that the end mark 00 01 sorts below every longer key.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xFF');
  }
}

template <class... Parts>
std::string row(char letter, const Parts&... parts) {
  std::string out = kind(letter);
  const auto add = [&out](const auto& part) {
    if constexpr (requires { append(out, part); }) {
      append(out, part);
    } else {
      append_big(out, part);
    }
  };
  (add(parts), ...);
  return out;
}

}  // namespace

std::string object(BucketId bucket, std::string_view key) {
  std::string out;
  out.reserve(sizeof bucket.value + key.size());
  append_big(out, bucket.value);
  out += key;
  return out;
}
std::string objects_prefix(BucketId bucket) { return object(bucket, {}); }

std::string uploads_prefix(BucketId bucket) { return row('u', bucket.value); }
std::string uploads_with_key_prefix(BucketId bucket, std::string_view key_prefix) {
  std::string out = uploads_prefix(bucket);
  append_escaped(out, key_prefix);
  return out;
}
std::string uploads_prefix(BucketId bucket, std::string_view key) {
  std::string out = uploads_with_key_prefix(bucket, key);
  out.append("\0\1", 2);
  return out;
}
std::string upload(BucketId bucket, std::string_view key, const Uuid& id) {
  std::string out = uploads_prefix(bucket, key);
  append(out, id);
  return out;
}
bool parse_upload(std::string_view row, std::string& key, Uuid& id) {
  ByteReader in(row);
  if (in.take(1) != "u") return false;
  in.big<std::uint64_t>();
  key.clear();
  while (in.ok()) {
    const std::string_view c = in.take(1);
    if (!in.ok()) return false;
    if (c[0] != '\0') {
      key += c;
      continue;
    }
    const std::string_view mark = in.take(1);
    if (mark == "\1") break;
    if (mark != "\xFF") return false;
    key.push_back('\0');
  }
  read_uuid(in, id);
  return in.done();
}
std::string part(const Uuid& upload, std::uint32_t number) { return row('p', upload, number); }
std::string parts_prefix(const Uuid& upload) { return row('p', upload); }
bool parse_part(std::string_view row, std::uint32_t& number) {
  ByteReader in(row);
  if (in.take(1) != "p") return false;
  in.take(sizeof(Uuid));
  number = in.big<std::uint32_t>();
  return in.done();
}
std::string completed(const Uuid& upload) { return row('c', upload); }
std::string completed_by_age(std::uint64_t log_index) { return row('o', log_index); }
std::string completed_by_age_prefix() { return kind('o'); }

std::string inline_body(std::uint64_t log_index) {
  std::string out;
  append_big(out, log_index);
  return out;
}

std::string holder(const ExtentId& extent, HolderKind holder_kind, const VersionOrder& order) {
  return row('h', extent, static_cast<std::uint8_t>(holder_kind), order);
}
std::string holders_prefix(const ExtentId& extent) { return row('h', extent); }
std::string all_holders_prefix() { return kind('h'); }
bool parse_holder(std::string_view row, ExtentId& extent, HolderKind& holder_kind, VersionOrder& order) {
  ByteReader in(row);
  if (in.take(1) != "h") return false;
  extent = read_extent(in);
  const auto number = in.big<std::uint8_t>();
  order.shard_epoch = in.big<std::uint32_t>();
  order.log_index = in.big<std::uint64_t>();
  if (!in.done() || number < 1 || number > 2) return false;
  holder_kind = static_cast<HolderKind>(number);
  return true;
}
std::string extent_of_set(SetId set, const ExtentId& extent) { return row('s', set.value, extent); }
std::string extents_of_set_prefix(SetId set) { return row('s', set.value); }
std::string all_sets_prefix() { return kind('s'); }
bool parse_extent_of_set(std::string_view row, SetId& set, ExtentId& extent) {
  ByteReader in(row);
  if (in.take(1) != "s") return false;
  set.value = in.big<std::uint32_t>();
  extent = read_extent(in);
  return in.done();
}
std::string freed_extent(const ExtentId& extent) { return row('f', extent); }
std::string freed_extents_prefix() { return kind('f'); }

std::string degraded_extent(const ExtentId& extent) { return row('e', extent); }
std::string degraded_extents_prefix() { return kind('e'); }
bool parse_degraded_extent(std::string_view row, ExtentId& extent) {
  ByteReader in(row);
  if (in.take(1) != "e") return false;
  extent = read_extent(in);
  return in.done();
}
std::string degraded_object(const VersionOrder& order) { return row('o', order); }
std::string degraded_objects_prefix() { return kind('o'); }

std::string freed(std::uint64_t sequence) {
  std::string out;
  append_big(out, sequence);
  return out;
}
bool parse_freed(std::string_view row, std::uint64_t& sequence) {
  ByteReader in(row);
  sequence = in.big<std::uint64_t>();
  return in.done();
}

std::string bucket_by_name(std::string_view name) { return kind('n').append(name); }
std::string buckets_by_name_prefix() { return kind('n'); }
std::string bucket_by_id(BucketId bucket) { return row('b', bucket.value); }
std::string bucket_usage(BucketId bucket) { return row('u', bucket.value); }
std::string bucket_usages_prefix() { return kind('u'); }
std::string deleted_bucket(BucketId bucket) { return row('d', bucket.value); }
std::string deleted_buckets_prefix() { return kind('d'); }
bool parse_deleted_bucket(std::string_view row, BucketId& bucket) {
  ByteReader in(row);
  if (in.take(1) != "d") return false;
  bucket.value = in.big<std::uint64_t>();
  return in.done();
}

std::string progress() { return kind('p'); }
std::string cluster_map() { return kind('m'); }
std::string set_history(SetId set, SetEpoch epoch) { return row('h', set.value, epoch.value); }
std::string set_history_prefix(SetId set) { return row('h', set.value); }
std::string lease(LeaseId lease) { return row('l', lease.value); }
std::string leases_prefix() { return kind('l'); }
std::string lease_of_gateway(const Uuid& gateway, LeaseId lease) { return row('g', gateway, lease.value); }
std::string leases_of_gateway_prefix(const Uuid& gateway) { return row('g', gateway); }
std::string leases_of_all_gateways_prefix() { return kind('g'); }
bool parse_lease_of_gateway(std::string_view row, LeaseId& lease) {
  ByteReader in(row);
  if (in.take(1) != "g") return false;
  in.take(sizeof(Uuid));
  lease.value = in.big<std::uint64_t>();
  return in.done();
}
std::string objects_in_sets(std::string_view sets) { return kind('s').append(sets); }
std::string objects_in_sets_prefix() { return kind('s'); }
std::string config(std::string_view name) { return kind('c').append(name); }
std::string fence(std::uint64_t member) { return row('f', member); }
std::string fences_prefix() { return kind('f'); }
bool parse_fence(std::string_view row, std::uint64_t& member) {
  ByteReader in(row);
  if (in.take(1) != "f") return false;
  member = in.big<std::uint64_t>();
  return in.done();
}

}  // namespace firn::metadata::keys
