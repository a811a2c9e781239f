#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "firn/metadata/client.h"

namespace firn::metadata {

/// The highest apply rules this build knows.
inline constexpr std::uint32_t kFeatureLevel = 1;

/// The largest command a log takes: a copy of an object of 10,000 parts needs about 1 MiB.
inline constexpr std::size_t kCommandBytesMax = 4 << 20;

struct CreateBucket {
  std::string name, location;
};
struct DeleteBucket {
  std::string name;
};
/// Drops what uploads of a deleted bucket still hold, at most `limit` parts and uploads.
struct SweepBucket {
  BucketId bucket;
  std::uint32_t limit = 0;
};
struct DeleteObjects {
  BucketId bucket;
  std::vector<DeleteObject> keys;
};
struct PutTags {
  BucketId bucket;
  std::string key;
  NameValues tags;
};
struct CreateUpload {
  BucketId bucket;
  Upload upload;
};
struct AbortUpload {
  BucketId bucket;
  std::string key;
  Uuid upload;
};
struct RegisterGateway {
  Uuid gateway;
};
struct RotateLease {
  Uuid gateway;
  LeaseId closing;  ///< 0: none.
};
struct PutClusterMap {
  MapRecord map;
};
struct PutConfig {
  std::string name, value;  ///< No value: removes the name.
};
struct DropFreed {
  std::vector<std::uint64_t> sequences;
  std::uint64_t map_version = 0;  ///< 0: whichever is recorded.
};
/// Of each extent only its id and `missing` count.
struct MarkMissing {
  std::vector<DegradedExtent> extents;
};
struct MarkGood {
  std::vector<GoodShards> extents;  ///< Epoch 0, of logs that were written without one: whichever is recorded.
};

using Operation = std::variant<CreateBucket, DeleteBucket, SweepBucket, PutObject, DeleteObjects, RenameObject, PutTags,
                               CreateUpload, PutPart, CompleteUpload, AbortUpload, RegisterGateway, RotateLease,
                               PutClusterMap, PutConfig, DropFreed, MarkMissing, MarkGood>;

/// One entry of the log: docs/formats/commands.md.
struct Command {
  std::uint32_t feature_level = kFeatureLevel;
  std::uint32_t shard_epoch = 1;
  std::uint64_t request_id = 0;
  UnixMs time_ms = 0;
  Operation operation;
};

std::string encode_command(Command command);
/// Errc::unsupported_version for a version or feature level above ours; corrupt for what no proposer of ours writes.
Result<Command> decode_command(std::string_view entry);

}  // namespace firn::metadata
