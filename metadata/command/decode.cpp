#include "command.pb.h"
#include "command/command.h"
#include "command/version.h"
#include "rows/proto_codec.h"

namespace firn::metadata {
namespace {

// Each `take` moves strings out of the message, and answers false for what no proposer of ours writes.

void take(proto::Conditions& in, Conditions& out) {
  out.if_match = std::move(*in.mutable_if_match());
  out.if_none_match = std::move(*in.mutable_if_none_match());
}

void take(proto::Body& in, BodyRef& out) {
  out.inline_bytes = std::move(*in.mutable_inline_bytes());
  out.extents.reserve(static_cast<std::size_t>(in.extents_size()));
  for (const proto::NewExtent& row : in.extents()) {
    out.extents.push_back({.extent = {LeaseId{row.lease()}, row.counter()},
                           .set = SetId{row.set()},
                           .epoch = SetEpoch{row.epoch()},
                           .extent_bytes = row.extent_bytes(),
                           .missing = row.missing()});
  }
  out.slices.reserve(static_cast<std::size_t>(in.slices_size()));
  for (const proto::Slice& slice : in.slices()) out.slices.push_back(from_proto(slice));
}

bool take(proto::CreateBucket& in, CreateBucket& out) {
  out.name = std::move(*in.mutable_name());
  out.location = std::move(*in.mutable_location());
  return true;
}

bool take(proto::DeleteBucket& in, DeleteBucket& out) {
  out.name = std::move(*in.mutable_name());
  return true;
}

bool take(proto::SweepBucket& in, SweepBucket& out) {
  out = {BucketId{in.bucket()}, in.limit()};
  return true;
}

bool take(proto::PutObject& in, PutObject& out) {
  out.bucket.value = in.bucket();
  out.key = std::move(*in.mutable_key());
  if (in.has_conditions()) take(*in.mutable_conditions(), out.conditions);
  out.size_bytes = in.size_bytes();
  out.etag = std::move(*in.mutable_etag());
  out.attributes = from_proto(in.attributes());
  for (const proto::PartInfo& part : in.parts()) out.parts.push_back(from_proto(part));
  take(*in.mutable_body(), out.body);
  return from_proto(in.checksum(), out.checksum);
}

bool take(proto::DeleteObjects& in, DeleteObjects& out) {
  out.bucket.value = in.bucket();
  out.keys.reserve(static_cast<std::size_t>(in.keys_size()));
  for (proto::DeleteObjects::Key& row : *in.mutable_keys()) {
    DeleteObject& object = out.keys.emplace_back();
    object.key = std::move(*row.mutable_key());
    object.conditions.if_match = std::move(*row.mutable_if_match());
  }
  return true;
}

bool take(proto::RenameObject& in, RenameObject& out) {
  out.bucket.value = in.bucket();
  out.source_key = std::move(*in.mutable_source_key());
  out.key = std::move(*in.mutable_key());
  take(*in.mutable_source_conditions(), out.source_conditions);
  take(*in.mutable_conditions(), out.conditions);
  return true;
}

bool take(proto::PutTags& in, PutTags& out) {
  out.bucket.value = in.bucket();
  out.key = std::move(*in.mutable_key());
  out.tags = from_proto(in.tags());
  return true;
}

bool take(proto::CreateUpload& in, CreateUpload& out) {
  out.bucket.value = in.bucket();
  return from_proto(in.upload(), out.upload);
}

bool take(proto::PutPart& in, PutPart& out) {
  out.bucket.value = in.bucket();
  out.key = std::move(*in.mutable_key());
  out.part.number = in.number();
  out.part.size_bytes = in.size_bytes();
  out.part.etag = std::move(*in.mutable_etag());
  take(*in.mutable_body(), out.body);
  return from_bytes(in.upload(), out.upload) && from_proto(in.checksum(), out.part.checksum);
}

bool take(proto::CompleteUpload& in, CompleteUpload& out) {
  out.bucket.value = in.bucket();
  out.key = std::move(*in.mutable_key());
  out.parts.reserve(static_cast<std::size_t>(in.parts_size()));
  for (proto::CompleteUpload::NamedPart& row : *in.mutable_parts()) {
    out.parts.push_back({row.number(), std::move(*row.mutable_etag()), std::move(*row.mutable_checksum())});
  }
  take(*in.mutable_conditions(), out.conditions);
  out.expected_checksum = std::move(*in.mutable_expected_checksum());
  if (in.has_expected_size()) out.expected_size = in.expected_size();
  return from_bytes(in.upload(), out.upload);
}

bool take(proto::AbortUpload& in, AbortUpload& out) {
  out.bucket.value = in.bucket();
  out.key = std::move(*in.mutable_key());
  return from_bytes(in.upload(), out.upload);
}

bool take(proto::RegisterGateway& in, RegisterGateway& out) { return from_bytes(in.gateway(), out.gateway); }

bool take(proto::RotateLease& in, RotateLease& out) {
  out.closing.value = in.closing();
  return from_bytes(in.gateway(), out.gateway);
}

bool take(proto::PutClusterMap& in, PutClusterMap& out) { return from_proto(in.map(), out.map); }

bool take(proto::PutConfig& in, PutConfig& out) {
  out.name = std::move(*in.mutable_name());
  out.value = std::move(*in.mutable_value());
  return true;
}

bool take(proto::DropFreed& in, DropFreed& out) {
  out.sequences.assign(in.sequences().begin(), in.sequences().end());
  out.map_version = in.map_version();
  return true;
}

bool take(proto::MarkExtents& in, MarkMissing& out) {
  for (const proto::MarkExtents::Extent& row : in.extents()) {
    DegradedExtent& extent = out.extents.emplace_back();
    extent.extent = {LeaseId{row.lease()}, row.counter()};
    extent.missing = row.shards();
  }
  return true;
}
bool take(proto::MarkExtents& in, MarkGood& out) {
  for (const proto::MarkExtents::Extent& row : in.extents()) {
    out.extents.push_back(
        {.extent = {LeaseId{row.lease()}, row.counter()}, .epoch = SetEpoch{row.epoch()}, .shards = row.shards()});
  }
  return true;
}

template <class Operation_, class Message>
bool take_into(Message& in, Operation& out) {
  return take(in, out.emplace<Operation_>());
}

bool take(proto::Command& in, Operation& out) {
  using Case = proto::Command::OperationCase;
  switch (in.operation_case()) {
    case Case::kCreateBucket:
      return take_into<CreateBucket>(*in.mutable_create_bucket(), out);
    case Case::kDeleteBucket:
      return take_into<DeleteBucket>(*in.mutable_delete_bucket(), out);
    case Case::kSweepBucket:
      return take_into<SweepBucket>(*in.mutable_sweep_bucket(), out);
    case Case::kPutObject:
      return take_into<PutObject>(*in.mutable_put_object(), out);
    case Case::kDeleteObjects:
      return take_into<DeleteObjects>(*in.mutable_delete_objects(), out);
    case Case::kRenameObject:
      return take_into<RenameObject>(*in.mutable_rename_object(), out);
    case Case::kPutTags:
      return take_into<PutTags>(*in.mutable_put_tags(), out);
    case Case::kCreateUpload:
      return take_into<CreateUpload>(*in.mutable_create_upload(), out);
    case Case::kPutPart:
      return take_into<PutPart>(*in.mutable_put_part(), out);
    case Case::kCompleteUpload:
      return take_into<CompleteUpload>(*in.mutable_complete_upload(), out);
    case Case::kAbortUpload:
      return take_into<AbortUpload>(*in.mutable_abort_upload(), out);
    case Case::kRegisterGateway:
      return take_into<RegisterGateway>(*in.mutable_register_gateway(), out);
    case Case::kRotateLease:
      return take_into<RotateLease>(*in.mutable_rotate_lease(), out);
    case Case::kPutClusterMap:
      return take_into<PutClusterMap>(*in.mutable_put_cluster_map(), out);
    case Case::kPutConfig:
      return take_into<PutConfig>(*in.mutable_put_config(), out);
    case Case::kDropFreed:
      return take_into<DropFreed>(*in.mutable_drop_freed(), out);
    case Case::kMarkMissing:
      return take_into<MarkMissing>(*in.mutable_mark_missing(), out);
    case Case::kMarkGood:
      return take_into<MarkGood>(*in.mutable_mark_good(), out);
    case Case::OPERATION_NOT_SET:
      return false;
  }
  return false;
}

}  // namespace

Result<Command> decode_command(std::string_view entry) {
  if (entry.empty()) return error(Errc::corrupt, "an empty command");
  if (static_cast<std::uint8_t>(entry[0]) != kCommandVersion) {
    return error(Errc::unsupported_version, "command of version " + std::to_string(entry[0]));
  }
  proto::Command in;
  if (!parse(entry.substr(1), in)) return error(Errc::corrupt, "a command can't be parsed");
  if (in.feature_level() > kFeatureLevel) {
    return error(Errc::unsupported_version, "command of feature level " + std::to_string(in.feature_level()));
  }
  Command command{.feature_level = in.feature_level(),
                  .shard_epoch = in.shard_epoch(),
                  .request_id = in.request_id(),
                  .time_ms = in.time_ms()};
  if (!take(in, command.operation)) return error(Errc::corrupt, "a command makes no sense");
  return command;
}

}  // namespace firn::metadata
