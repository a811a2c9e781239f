#include "command.pb.h"
#include "command/command.h"
#include "command/version.h"
#include "rows/proto_codec.h"

namespace firn::metadata {
namespace {

void fill(Conditions&& in, proto::Conditions& out) {
  out.set_if_match(std::move(in.if_match));
  out.set_if_none_match(std::move(in.if_none_match));
}

void fill(BodyRef&& in, proto::Body& out) {
  out.set_inline_bytes(std::move(in.inline_bytes));
  for (const NewExtent& extent : in.extents) {
    proto::NewExtent& row = *out.add_extents();
    row.set_lease(extent.extent.lease.value);
    row.set_counter(extent.extent.counter);
    row.set_set(extent.set.value);
    row.set_epoch(extent.epoch.value);
    row.set_extent_bytes(extent.extent_bytes);
    row.set_missing(extent.missing);
  }
  for (const Slice& slice : in.slices) to_proto(slice, *out.add_slices());
}

void fill(CreateBucket&& in, proto::Command& command) {
  proto::CreateBucket& out = *command.mutable_create_bucket();
  out.set_name(std::move(in.name));
  out.set_location(std::move(in.location));
}

void fill(DeleteBucket&& in, proto::Command& command) { command.mutable_delete_bucket()->set_name(std::move(in.name)); }

void fill(SweepBucket&& in, proto::Command& command) {
  proto::SweepBucket& out = *command.mutable_sweep_bucket();
  out.set_bucket(in.bucket.value);
  out.set_limit(in.limit);
}

void fill(PutObject&& in, proto::Command& command) {
  proto::PutObject& out = *command.mutable_put_object();
  out.set_bucket(in.bucket.value);
  out.set_key(std::move(in.key));
  if (!in.conditions.empty()) fill(std::move(in.conditions), *out.mutable_conditions());
  out.set_size_bytes(in.size_bytes);
  out.set_etag(std::move(in.etag));
  to_proto(in.checksum, *out.mutable_checksum());
  to_proto(in.attributes, *out.mutable_attributes());
  for (const PartInfo& part : in.parts) to_proto(part, *out.add_parts());
  fill(std::move(in.body), *out.mutable_body());
}

void fill(DeleteObjects&& in, proto::Command& command) {
  proto::DeleteObjects& out = *command.mutable_delete_objects();
  out.set_bucket(in.bucket.value);
  for (DeleteObject& object : in.keys) {
    proto::DeleteObjects::Key& key = *out.add_keys();
    key.set_key(std::move(object.key));
    key.set_if_match(std::move(object.conditions.if_match));
  }
}

void fill(RenameObject&& in, proto::Command& command) {
  proto::RenameObject& out = *command.mutable_rename_object();
  out.set_bucket(in.bucket.value);
  out.set_source_key(std::move(in.source_key));
  out.set_key(std::move(in.key));
  fill(std::move(in.source_conditions), *out.mutable_source_conditions());
  fill(std::move(in.conditions), *out.mutable_conditions());
}

void fill(PutTags&& in, proto::Command& command) {
  proto::PutTags& out = *command.mutable_put_tags();
  out.set_bucket(in.bucket.value);
  out.set_key(std::move(in.key));
  to_proto(in.tags, *out.mutable_tags());
}

void fill(CreateUpload&& in, proto::Command& command) {
  proto::CreateUpload& out = *command.mutable_create_upload();
  out.set_bucket(in.bucket.value);
  to_proto(in.upload, *out.mutable_upload());
}

void fill(PutPart&& in, proto::Command& command) {
  proto::PutPart& out = *command.mutable_put_part();
  out.set_bucket(in.bucket.value);
  out.set_key(std::move(in.key));
  out.set_upload(to_bytes(in.upload));
  out.set_number(in.part.number);
  out.set_size_bytes(in.part.size_bytes);
  out.set_etag(std::move(in.part.etag));
  to_proto(in.part.checksum, *out.mutable_checksum());
  fill(std::move(in.body), *out.mutable_body());
}

void fill(CompleteUpload&& in, proto::Command& command) {
  proto::CompleteUpload& out = *command.mutable_complete_upload();
  out.set_bucket(in.bucket.value);
  out.set_key(std::move(in.key));
  out.set_upload(to_bytes(in.upload));
  for (CompletedPart& part : in.parts) {
    proto::CompleteUpload::NamedPart& row = *out.add_parts();
    row.set_number(part.number);
    row.set_etag(std::move(part.etag));
    row.set_checksum(std::move(part.checksum));
  }
  fill(std::move(in.conditions), *out.mutable_conditions());
  out.set_expected_checksum(std::move(in.expected_checksum));
  if (in.expected_size) out.set_expected_size(*in.expected_size);
}

void fill(AbortUpload&& in, proto::Command& command) {
  proto::AbortUpload& out = *command.mutable_abort_upload();
  out.set_bucket(in.bucket.value);
  out.set_key(std::move(in.key));
  out.set_upload(to_bytes(in.upload));
}

void fill(RegisterGateway&& in, proto::Command& command) {
  command.mutable_register_gateway()->set_gateway(to_bytes(in.gateway));
}

void fill(RotateLease&& in, proto::Command& command) {
  proto::RotateLease& out = *command.mutable_rotate_lease();
  out.set_gateway(to_bytes(in.gateway));
  out.set_closing(in.closing.value);
}

void fill(PutClusterMap&& in, proto::Command& command) {
  to_proto(in.map, *command.mutable_put_cluster_map()->mutable_map());
}

void fill(PutConfig&& in, proto::Command& command) {
  proto::PutConfig& out = *command.mutable_put_config();
  out.set_name(std::move(in.name));
  out.set_value(std::move(in.value));
}

void fill(DropFreed&& in, proto::Command& command) {
  proto::DropFreed& out = *command.mutable_drop_freed();
  for (const std::uint64_t sequence : in.sequences) out.add_sequences(sequence);
  out.set_map_version(in.map_version);
}

void fill(MarkMissing&& in, proto::Command& command) {
  proto::MarkExtents& out = *command.mutable_mark_missing();
  for (const DegradedExtent& extent : in.extents) {
    proto::MarkExtents::Extent& row = *out.add_extents();
    row.set_lease(extent.extent.lease.value);
    row.set_counter(extent.extent.counter);
    row.set_shards(extent.missing);
  }
}

void fill(MarkGood&& in, proto::Command& command) {
  proto::MarkExtents& out = *command.mutable_mark_good();
  for (const GoodShards& good : in.extents) {
    proto::MarkExtents::Extent& row = *out.add_extents();
    row.set_lease(good.extent.lease.value);
    row.set_counter(good.extent.counter);
    row.set_shards(good.shards);
    row.set_epoch(good.epoch.value);
  }
}

}  // namespace

std::string encode_command(Command command) {
  proto::Command out;
  out.set_feature_level(command.feature_level);
  out.set_shard_epoch(command.shard_epoch);
  out.set_request_id(command.request_id);
  out.set_time_ms(command.time_ms);
  std::visit([&out](auto&& operation) { fill(std::move(operation), out); }, std::move(command.operation));
  std::string entry;
  entry.reserve(1 + out.ByteSizeLong());
  entry.push_back(static_cast<char>(kCommandVersion));
  FIRN_ASSERT(out.AppendToString(&entry));
  return entry;
}

}  // namespace firn::metadata
