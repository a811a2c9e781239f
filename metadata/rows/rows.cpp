#include "rows/rows.h"

#include <algorithm>

#include "rows/bytes.h"
#include "rows/keys.h"
#include "rows/proto_codec.h"

namespace firn::metadata {

Result<Progress> load_progress(const Reader& state) {
  const std::string key = keys::progress();
  const Result<std::optional<std::string>> payload = get_row(state, Family::config, key);
  if (!payload) return payload.error();
  return *payload ? decode_progress(**payload) : Progress{};
}

Result<Progress> decode_progress(std::string_view payload) {
  ByteReader in(payload);
  Progress progress;
  progress.applied_index = in.little<std::uint64_t>();
  progress.time_ms = in.little<std::int64_t>();
  progress.shard_epoch = in.little<std::uint32_t>();
  progress.feature_level = in.little<std::uint32_t>();
  progress.next_bucket = in.little<std::uint64_t>();
  progress.next_lease = in.little<std::uint64_t>();
  progress.next_freed = in.little<std::uint64_t>();
  progress.buckets = in.little<std::uint64_t>();
  progress.completed = in.little<std::uint64_t>();
  progress.oldest_completed = in.little<std::uint64_t>();
  progress.first_freed = in.little<std::uint64_t>();
  if (!in.done()) return corrupt_row(Family::config, keys::progress(), "payload");
  return progress;
}

void store_progress(KeyValues& state, const Progress& progress) {
  std::string payload;
  append_little(payload, progress.applied_index);
  append_little(payload, progress.time_ms);
  append_little(payload, progress.shard_epoch);
  append_little(payload, progress.feature_level);
  append_little(payload, progress.next_bucket);
  append_little(payload, progress.next_lease);
  append_little(payload, progress.next_freed);
  append_little(payload, progress.buckets);
  append_little(payload, progress.completed);
  append_little(payload, progress.oldest_completed);
  append_little(payload, progress.first_freed);
  put_row(state, Family::config, keys::progress(), payload);
}

std::string encode_sets(std::vector<SetId> sets) {
  std::sort(sets.begin(), sets.end());
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  std::string out;
  for (const SetId set : sets) append_big(out, set.value);
  return out;
}

std::vector<SetId> decode_sets(std::string_view sets) {
  ByteReader in(sets);
  std::vector<SetId> out;
  while (!in.rest().empty() && in.ok()) out.push_back(SetId{in.big<std::uint32_t>()});
  return out;
}

std::string encode(const HolderRow& row) {
  std::string out;
  append_little(out, row.set.value);
  append_little(out, row.extent_bytes);
  out += row.sets;
  return out;
}

bool decode(std::string_view payload, HolderRow& row) {
  ByteReader in(payload);
  row.set.value = in.little<std::uint32_t>();
  row.extent_bytes = in.little<std::uint64_t>();
  row.sets = in.rest();
  return in.ok() && row.sets.size() % sizeof(SetId) == 0;
}

std::string encode(const SetsCount& count) {
  std::string out;
  append_little(out, count.objects);
  append_little(out, count.degraded);
  return out;
}

bool decode(std::string_view payload, SetsCount& count) {
  ByteReader in(payload);
  count.objects = in.little<std::uint64_t>();
  count.degraded = in.little<std::uint64_t>();
  return in.done();
}

std::string encode(const DegradedExtent& row) {
  std::string out;
  append_little(out, row.set.value);
  append_little(out, row.missing);
  append_little(out, row.extent_bytes);
  return out;
}

bool decode(std::string_view payload, DegradedExtent& row) {
  ByteReader in(payload);
  row.set.value = in.little<std::uint32_t>();
  row.missing = in.little<std::uint32_t>();
  row.extent_bytes = in.little<std::uint64_t>();
  return in.done();
}

std::string encode(const FreedExtent& row) {
  std::string out;
  append_little(out, row.extent.lease.value);
  append_little(out, row.extent.counter);
  append_little(out, row.set.value);
  append_little(out, row.extent_bytes);
  append_little(out, row.freed_ms);
  return out;
}

bool decode(std::string_view payload, FreedExtent& row) {
  ByteReader in(payload);
  row.extent.lease.value = in.little<std::uint64_t>();
  row.extent.counter = in.little<std::uint64_t>();
  row.set.value = in.little<std::uint32_t>();
  row.extent_bytes = in.little<std::uint64_t>();
  row.freed_ms = in.little<std::int64_t>();
  return in.done();
}

std::string encode(const BucketUsage& usage) {
  std::string out;
  append_little(out, usage.objects);
  append_little(out, usage.bytes);
  append_little(out, usage.uploads);
  return out;
}

bool decode(std::string_view payload, BucketUsage& usage) {
  ByteReader in(payload);
  usage.objects = in.little<std::uint64_t>();
  usage.bytes = in.little<std::uint64_t>();
  usage.uploads = in.little<std::uint64_t>();
  return in.done();
}

std::string encode(const Bucket& bucket) {
  proto::BucketRow row;
  row.set_id(bucket.id.value);
  row.set_name(bucket.name);
  row.set_created_ms(bucket.created_ms);
  row.set_location(bucket.location);
  return serialized(row);
}

bool decode(std::string_view payload, Bucket& bucket) {
  proto::BucketRow row;
  if (!parse(payload, row)) return false;
  bucket = {BucketId{row.id()}, row.name(), row.created_ms(), row.location()};
  return true;
}

std::string encode(const Upload& upload) {
  proto::UploadRow row;
  to_proto(upload, row);
  return serialized(row);
}

bool decode(std::string_view payload, Upload& upload) {
  proto::UploadRow row;
  return parse(payload, row) && from_proto(row, upload);
}

std::string encode(const CompletedRow& completed) {
  proto::CompletedRow row;
  row.set_bucket(completed.bucket.value);
  row.set_key(completed.key);
  row.set_shard_epoch(completed.completed.committed.order.shard_epoch);
  row.set_log_index(completed.completed.committed.order.log_index);
  row.set_modified_ms(completed.completed.committed.modified_ms);
  row.set_etag(completed.completed.committed.etag);
  to_proto(completed.completed.checksum, *row.mutable_checksum());
  row.set_size_bytes(completed.completed.size_bytes);
  return serialized(row);
}

bool decode(std::string_view payload, CompletedRow& completed) {
  proto::CompletedRow row;
  if (!parse(payload, row) || !from_proto(row.checksum(), completed.completed.checksum)) return false;
  completed.bucket.value = row.bucket();
  completed.key = row.key();
  completed.completed.committed = {{row.shard_epoch(), row.log_index()}, row.modified_ms(), row.etag()};
  completed.completed.size_bytes = row.size_bytes();
  return true;
}

std::string encode(const MapRecord& map) {
  proto::MapRow row;
  to_proto(map, row);
  return serialized(row);
}

bool decode(std::string_view payload, MapRecord& map) {
  proto::MapRow row;
  return parse(payload, row) && from_proto(row, map);
}

std::string encode(const SetHistory& history) {
  proto::SetHistoryRow row;
  for (const SetHistory::Member& member : history.members) {
    proto::SetHistoryRow::Member& out = *row.add_members();
    out.set_drive(member.drive.value);
    out.set_uuid(to_bytes(member.uuid));
  }
  return serialized(row);
}

bool decode(std::string_view payload, SetHistory& history) {
  proto::SetHistoryRow row;
  if (!parse(payload, row)) return false;
  history.members.clear();
  for (const proto::SetHistoryRow::Member& in : row.members()) {
    SetHistory::Member& member = history.members.emplace_back();
    member.drive.value = static_cast<std::uint16_t>(in.drive());
    if (!from_bytes(in.uuid(), member.uuid)) return false;
  }
  return true;
}

std::string encode(std::uint64_t number) {
  std::string out;
  append_little(out, number);
  return out;
}

bool decode(std::string_view payload, std::uint64_t& number) {
  ByteReader in(payload);
  number = in.little<std::uint64_t>();
  return in.done();
}

std::string encode(const Uuid& id) { return to_bytes(id); }
bool decode(std::string_view payload, Uuid& id) { return from_bytes(payload, id); }

}  // namespace firn::metadata
