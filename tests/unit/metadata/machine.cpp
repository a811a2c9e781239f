#include "machine.h"

#include "apply/leap.h"
#include "firn/base/digest.h"

namespace firn::metadata {

Answer Machine::apply(Operation operation) {
  const std::string entry =
      encode_command({.shard_epoch = shard_epoch, .time_ms = now_ms, .operation = std::move(operation)});
  Transaction changes(state);
  Result<Outcome> outcome = applier_.apply(applier_.progress().applied_index + 1, entry, changes);
  if (!outcome) return std::move(outcome).error();
  state.commit(changes);
  return std::move(outcome->answer);
}

Result<Outcome> Machine::leap(UnixMs now) {
  const std::string payload = encode_leap(now);
  Transaction changes(state);
  Result<Outcome> outcome = applier_.apply(applier_.progress().applied_index + 1,
                                           LogEntry{.kind = LogEntry::Kind::leap, .command = payload}, changes);
  if (outcome) state.commit(changes);
  return outcome;
}

std::string Machine::problem() const {
  const auto report = query::check(state);
  if (!report) return report.error().detail;
  return report->problems.empty() ? std::string() : report->problems.front();
}

std::string etag(std::uint64_t number) { return to_hex(md5(as_bytes(std::to_string(number)))); }

Uuid gateway(std::uint8_t number) {
  Uuid id;
  id.bytes[0] = number;
  return id;
}

MapRecord six_drives(std::uint64_t version, std::uint32_t epoch) {
  MapRecord map{.version = version};
  SetRecord set{.id = SetId{1}, .epoch = SetEpoch{epoch}, .data_shards = 4, .parity_shards = 2};
  for (std::uint16_t i = 0; i < 6; ++i) {
    DriveRecord& drive = map.drives.emplace_back();
    drive.index = DriveIndex{i};
    drive.uuid.bytes[0] = static_cast<std::uint8_t>(i + 1);
    drive.domain = "d" + std::to_string(i);
    set.members.push_back(drive.index);
  }
  map.sets.push_back(set);
  return map;
}

BodyRef extent_body(ExtentId id, std::uint64_t bytes, std::uint32_t epoch, std::uint32_t missing) {
  return {
      .extents = {{.extent = id, .set = SetId{1}, .epoch = SetEpoch{epoch}, .extent_bytes = bytes, .missing = missing}},
      .slices = {{.extent = id, .set = SetId{1}, .extent_bytes = bytes, .offset = 0, .length = bytes}}};
}

PutObject put_inline(BucketId bucket, std::string key, std::string body) {
  PutObject put{
      .bucket = bucket, .key = std::move(key), .size_bytes = body.size(), .etag = to_hex(md5(as_bytes(body)))};
  put.body.inline_bytes = std::move(body);
  return put;
}

PutObject put_extent(BucketId bucket, std::string key, ExtentId id, std::uint64_t bytes) {
  return {.bucket = bucket,
          .key = std::move(key),
          .size_bytes = bytes,
          .etag = etag(id.counter),
          .body = extent_body(id, bytes)};
}

}  // namespace firn::metadata
