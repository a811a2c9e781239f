#pragma once

#include <google/protobuf/message_lite.h>

#include <string>
#include <string_view>

#include "firn/metadata/model.h"
#include "record.pb.h"

namespace firn::metadata {

/// Between the model and the protobuf messages that rows and commands share. `from_proto` answers false for what no
/// writer of ours writes.

void to_proto(const Attributes& attributes, proto::Attributes& out);
Attributes from_proto(const proto::Attributes& in);

void to_proto(const Checksum& checksum, proto::Checksum& out);
bool from_proto(const proto::Checksum& in, Checksum& out);
bool valid_checksum_kind(std::uint32_t algorithm, std::uint32_t type);

void to_proto(const PartInfo& part, proto::PartInfo& out);
PartInfo from_proto(const proto::PartInfo& in);

void to_proto(const Slice& slice, proto::Slice& out);
Slice from_proto(const proto::Slice& in);

void to_proto(const NameValues& pairs, google::protobuf::RepeatedPtrField<proto::NameValue>& out);
NameValues from_proto(const google::protobuf::RepeatedPtrField<proto::NameValue>& in);

void to_proto(const Upload& upload, proto::UploadRow& out);
bool from_proto(const proto::UploadRow& in, Upload& out);

void to_proto(const MapRecord& map, proto::MapRow& out);
bool from_proto(const proto::MapRow& in, MapRecord& out);

std::string to_bytes(const Uuid& id);
bool from_bytes(std::string_view bytes, Uuid& id);

std::string serialized(const google::protobuf::MessageLite& message);
bool parse(std::string_view bytes, google::protobuf::MessageLite& message);

}  // namespace firn::metadata
