#include "wire/messages.h"

#include <algorithm>

namespace firn::volume::wire {
namespace {

bool zeros(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

ExtentId extent_of(const ExtentBody& body) { return {LeaseId{body.lease}, body.counter}; }
ExtentBody body_of(const ExtentId& extent) { return {.lease = extent.lease.value, .counter = extent.counter}; }

bool take_drive(BodyReader& body, DriveRequest& target) {
  DriveBody drive;
  if (!body.take(drive) || !zeros(drive.zero)) return false;
  target = {.drive = DriveIndex{drive.drive}, .opening = drive.opening};
  return true;
}

}  // namespace

std::optional<DriveRequest> decode_drive(ByteView body) {
  BodyReader reader(body);
  DriveRequest target;
  if (!take_drive(reader, target) || !reader.at_end()) return std::nullopt;
  return target;
}

std::optional<AppendRequest> decode_append(ByteView body) {
  BodyReader reader(body);
  AppendBody found;
  if (!reader.take(found) || !reader.at_end() || !zeros(found.zero)) return std::nullopt;
  AppendRequest request;
  request.target = {.drive = DriveIndex{found.drive}, .opening = found.opening};
  request.append.key = {extent_of(found.extent), found.stripe, found.shard};
  request.append.set = SetId{found.set};
  request.append.set_epoch = SetEpoch{found.set_epoch};
  request.append.shape = {found.data_shards, found.parity_shards};
  request.append.extent_bytes = found.extent_bytes;
  request.append.chunk_bytes = found.chunk_bytes;
  request.append.owner_bucket = BucketId{found.owner_bucket};
  return request;
}

std::optional<ReadRequest> decode_read(ByteView body) {
  BodyReader reader(body);
  ReadBody found;
  if (!reader.take(found) || !reader.at_end() || !zeros(found.zero) || found.zero_end != 0) return std::nullopt;
  if (found.offset > kChunkBytesMax || found.length > kChunkBytesMax - found.offset) return std::nullopt;
  return ReadRequest{.drive = DriveIndex{found.drive},
                     .key = {extent_of(found.extent), found.stripe, found.shard},
                     .range = {found.offset, found.length}};
}

std::optional<RemoveRequest> decode_remove(ByteView body) {
  BodyReader reader(body);
  RemoveRequest request;
  if (!take_drive(reader, request.target)) return std::nullopt;
  request.extents.reserve(reader.left() / sizeof(ExtentBody));
  for (ExtentBody extent; reader.take(extent);) request.extents.push_back(extent_of(extent));
  if (!reader.at_end()) return std::nullopt;
  return request;
}

std::optional<ListRequest> decode_list(ByteView body) {
  BodyReader reader(body);
  ListBody found;
  if (!reader.take(found) || !reader.at_end() || !zeros(found.zero)) return std::nullopt;
  return ListRequest{.drive = DriveIndex{found.drive},
                     .after = {extent_of(found.extent), found.stripe, found.shard},
                     .limit = found.limit};
}

std::optional<EpochRequest> decode_epoch(ByteView body) {
  BodyReader reader(body);
  EpochRequest request;
  EpochBody epoch;
  if (!take_drive(reader, request.target) || !reader.take(epoch) || !reader.at_end()) return std::nullopt;
  request.set = SetId{epoch.set};
  request.epoch = SetEpoch{epoch.epoch};
  return request;
}

std::optional<std::uint32_t> decode_first_block(ByteView body) {
  BodyReader reader(body);
  ReadAnswerBody found;
  if (!reader.take(found) || !reader.at_end() || found.zero != 0) return std::nullopt;
  return found.first_block;
}

std::optional<ListAnswer> decode_rows(ByteView body) {
  BodyReader reader(body);
  ListAnswerBody found;
  if (!reader.take(found) || found.complete > 1 || !zeros(found.zero)) return std::nullopt;
  ListAnswer answer;
  answer.complete = found.complete == 1;
  answer.rows.reserve(reader.left() / sizeof(RowBody));
  for (RowBody row; reader.take(row);) {
    if (!zeros(row.zero)) return std::nullopt;
    answer.rows.push_back({.key = {extent_of(row.extent), row.stripe, row.shard},
                           .set = SetId{row.set},
                           .set_epoch = SetEpoch{row.set_epoch},
                           .stored_bytes = row.stored_bytes,
                           .extent_bytes = row.extent_bytes});
  }
  if (!reader.at_end()) return std::nullopt;
  return answer;
}

std::optional<DriveUsage> decode_usage(ByteView body) {
  BodyReader reader(body);
  UsageAnswerBody found;
  if (!reader.take(found) || !reader.at_end()) return std::nullopt;
  return DriveUsage{
      .capacity_bytes = found.capacity_bytes, .allocated_bytes = found.allocated_bytes, .live_bytes = found.live_bytes};
}

std::optional<std::vector<ServedDrive>> decode_served(ByteView body) {
  BodyReader reader(body);
  std::vector<ServedDrive> drives;
  for (ServedDriveBody found; reader.take(found);) {
    if (!zeros(found.zero)) return std::nullopt;
    drives.push_back({.index = DriveIndex{found.drive}, .uuid = {found.uuid}, .opening = found.opening});
  }
  if (!reader.at_end()) return std::nullopt;
  return drives;
}

void put_drive(FrameBytes& frame, DriveRequest target) {
  frame.put(DriveBody{.drive = target.drive.value, .zero = {}, .opening = target.opening});
}

void put_append(FrameBytes& frame, std::uint64_t opening, DriveIndex drive, const Append& append) {
  frame.put(AppendBody{.drive = drive.value,
                       .shard = append.key.shard,
                       .data_shards = append.shape.data,
                       .parity_shards = append.shape.parity,
                       .zero = {},
                       .opening = opening,
                       .extent = body_of(append.key.extent),
                       .stripe = append.key.stripe,
                       .set = append.set.value,
                       .set_epoch = append.set_epoch.value,
                       .chunk_bytes = append.chunk_bytes,
                       .extent_bytes = append.extent_bytes,
                       .owner_bucket = append.owner_bucket.value});
}

void put_read(FrameBytes& frame, const ReadRequest& request) {
  frame.put(ReadBody{.drive = request.drive.value,
                     .shard = request.key.shard,
                     .zero = {},
                     .extent = body_of(request.key.extent),
                     .stripe = request.key.stripe,
                     .offset = static_cast<std::uint32_t>(request.range.offset),
                     .length = static_cast<std::uint32_t>(request.range.length),
                     .zero_end = 0});
}

void put_list(FrameBytes& frame, const ListRequest& request) {
  frame.put(ListBody{.drive = request.drive.value,
                     .shard = request.after.shard,
                     .zero = {},
                     .extent = body_of(request.after.extent),
                     .stripe = request.after.stripe,
                     .limit = request.limit});
}

void put_epoch(FrameBytes& frame, const EpochRequest& request) {
  put_drive(frame, request.target);
  frame.put(EpochBody{.set = request.set.value, .epoch = request.epoch.value});
}

void put_rows(FrameBytes& frame, const ListAnswer& answer) {
  frame.put(ListAnswerBody{.complete = answer.complete, .zero = {}});
  for (const RecordInfo& row : answer.rows) {
    frame.put(RowBody{.extent = body_of(row.key.extent),
                      .extent_bytes = row.extent_bytes,
                      .stripe = row.key.stripe,
                      .set = row.set.value,
                      .set_epoch = row.set_epoch.value,
                      .stored_bytes = row.stored_bytes,
                      .shard = row.key.shard,
                      .zero = {}});
  }
}

void put_usage(FrameBytes& frame, const DriveUsage& usage) {
  frame.put(UsageAnswerBody{.capacity_bytes = usage.capacity_bytes,
                            .allocated_bytes = usage.allocated_bytes,
                            .live_bytes = usage.live_bytes});
}

void put_served(FrameBytes& frame, const std::vector<ServedDrive>& drives) {
  for (const ServedDrive& drive : drives) {
    frame.put(
        ServedDriveBody{.uuid = drive.uuid.bytes, .opening = drive.opening, .drive = drive.index.value, .zero = {}});
  }
}

}  // namespace firn::volume::wire
