#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "firn/base/clock.h"
#include "firn/base/ids.h"

namespace firn::metadata {

/// A bucket as group 0 knows it.
struct Bucket {
  BucketId id;
  std::string name;
  UnixMs created_ms = 0;
  std::string location;  ///< The LocationConstraint it was made with; empty for us-east-1.
};

/// Checksums S3 stores beside an object. The numbers are on disk: append only.
enum class ChecksumAlgorithm : std::uint8_t { none = 0, crc32 = 1, crc32c = 2, crc64nvme = 3, sha1 = 4, sha256 = 5 };
enum class ChecksumType : std::uint8_t { full_object = 0, composite = 1 };
/// Length of a raw checksum.
std::size_t checksum_bytes(ChecksumAlgorithm algorithm);

struct Checksum {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;
  ChecksumType type = ChecksumType::full_object;
  std::string value;  ///< Raw bytes, big endian for CRCs; a composite's part count is the object's.
  friend bool operator==(const Checksum&, const Checksum&) = default;
};

/// A run of bytes of an extent, or of an inline body: those have lease 0, and ids that apply chooses.
struct Slice {
  ExtentId extent;
  SetId set;                       ///< 0 for an inline body.
  std::uint64_t extent_bytes = 0;  ///< Of the whole extent: gives its geometry.
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool is_inline() const { return extent.lease.value == 0; }
  friend bool operator==(const Slice&, const Slice&) = default;
};

/// One part of an object that came by multipart upload.
struct PartInfo {
  std::uint32_t number = 0;
  std::uint64_t size_bytes = 0;
  std::string checksum;  ///< Raw; of the object's algorithm. Empty if none.
};

using NameValues = std::vector<std::pair<std::string, std::string>>;

/// What a client may say of an object besides its bytes.
struct Attributes {
  std::string content_type, content_encoding, content_disposition, content_language, cache_control, expires;
  std::string website_redirect;
  std::string storage_class;  ///< Empty for STANDARD.
  NameValues user_metadata;   ///< Names without "x-amz-meta-", lower case, in the order sent.
  NameValues tags;
};

/// One object version: everything HEAD and GET answer from.
struct Object {
  VersionOrder order;  ///< Its identity: names it as a holder of extents.
  std::uint64_t size_bytes = 0;
  UnixMs modified_ms = 0;
  std::string etag;  ///< Without quotes: 32 hexadecimal digits, or those and "-N" for N parts.
  Checksum checksum;
  Attributes attributes;
  std::vector<PartInfo> parts;  ///< Empty unless it came by multipart upload.
  std::vector<Slice> slices;    ///< In order; their lengths add up to size_bytes.
};

/// If-Match and If-None-Match of a write, decided in apply. Entity tags without quotes; "*" is any.
struct Conditions {
  std::string if_match;
  std::string if_none_match;
  bool empty() const { return if_match.empty() && if_none_match.empty(); }
};

/// A multipart upload under way.
struct Upload {
  Uuid id;
  std::string key;
  UnixMs initiated_ms = 0;
  ChecksumAlgorithm checksum_algorithm = ChecksumAlgorithm::none;
  ChecksumType checksum_type = ChecksumType::full_object;
  bool checksum_asked = false;  ///< The client named the algorithm; otherwise Firn chose CRC64NVME.
  Attributes attributes;
};

/// An uploaded part.
struct Part {
  std::uint32_t number = 0;
  std::uint64_t size_bytes = 0;
  UnixMs modified_ms = 0;
  std::string etag;
  Checksum checksum;
  std::vector<Slice> slices;
};

/// A drive and a stripe set as the metadata tier records them (the volume tier's ClusterMap says the same in its own
/// words).
struct DriveRecord {
  DriveIndex index;
  Uuid uuid;  ///< Zero until a node that was let in has formatted it.
  std::string domain;
  bool out = false;
  bool leaving = false;  ///< To be emptied: what it holds moves to other drives, and nothing comes to it.
  bool closing = false;  ///< Its node is about to stop: new extents go to sets without it, as far as there can be such.
};
/// A place of a set whose shard moves, or has moved, from one drive to the member of today.
struct MoveRecord {
  std::uint8_t shard = 0;
  DriveIndex from;
  Uuid from_uuid;
  bool done = false;  ///< The member holds all that `from` had taken. Until then both are read.
};
struct SetRecord {
  SetId id;
  SetEpoch epoch;
  std::uint8_t data_shards = 0;
  std::uint8_t parity_shards = 0;
  std::vector<DriveIndex> members;
  bool open = true;
  bool stopgap = false;                ///< Formed over what was left while drives were out.
  std::vector<MoveRecord> moves = {};  ///< At most one for a shard: its last.
};
/// A node that came after the cluster began, or is to go. Those of the beginning are in every node's list.
struct NodeRecord {
  NodeId node;
  std::string host;
  std::uint16_t port = 0;  ///< S3's.
  bool leaving = false;
  bool retired = false;  ///< Gone for good: its number is never used again.
};
struct MapRecord {
  std::uint64_t version = 0;
  Uuid cluster;
  std::vector<DriveRecord> drives;
  std::vector<SetRecord> sets;
  std::vector<NodeRecord> nodes = {};
  std::uint32_t next_drive = 0;  ///< Above all indexes ever given; 0: that is one above the last of `drives`.
};

/// An extent known to lack shards: written while a drive was out, or found damaged.
struct DegradedExtent {
  ExtentId extent;
  SetId set;
  std::uint64_t extent_bytes = 0;
  std::uint32_t missing = 0;  ///< Bit i = shard i.
};

/// Shards of an extent that were found whole on the drives that held them under this epoch of its set.
struct GoodShards {
  ExtentId extent;
  SetEpoch epoch;
  std::uint32_t shards = 0;  ///< Bit i = shard i.
};

/// An extent that lost its last holder and waits for the drives to forget it.
struct FreedExtent {
  std::uint64_t sequence = 0;
  ExtentId extent;
  SetId set;
  std::uint64_t extent_bytes = 0;
  UnixMs freed_ms = 0;
};

struct BucketUsage {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t uploads = 0;
};

}  // namespace firn::metadata
