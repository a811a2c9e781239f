#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/result.h"
#include "firn/metadata/model.h"

namespace firn::metadata {

/// An extent whose shards are durable, as a commit refers to it for the first time.
struct NewExtent {
  ExtentId extent;
  SetId set;
  SetEpoch epoch;  ///< The commit is refused (Errc::stale_epoch) if the set's fence has passed it.
  std::uint64_t extent_bytes = 0;
  std::uint32_t missing = 0;  ///< Shards that repair owes.
};

/// The bytes of a new object or part: given inline, or as slices of extents. Slices may name extents of `extents` (new
/// here) and extents or inline bodies that have a holder already (copies); the latter answer Errc::source_changed when
/// the last holder is gone by now.
struct BodyRef {
  std::string inline_bytes;  ///< Used when `slices` is empty. At most kInlineBytesMax.
  std::vector<NewExtent> extents;
  std::vector<Slice> slices;
};

/// Bodies up to this stay in the metadata tier: 65-91 % of the engines' PUTs are <= 64 KiB, and a coded extent of six
/// records costs more than the log's copies below some 16 KiB.
inline constexpr std::uint64_t kInlineBytesMax = 16 * 1024;

struct PutObject {
  BucketId bucket;
  std::string key;
  Conditions conditions;
  std::uint64_t size_bytes = 0;
  std::string etag;
  Checksum checksum;
  Attributes attributes;
  std::vector<PartInfo> parts;  ///< Kept by a copy of a multipart object.
  BodyRef body;
};
struct Committed {
  VersionOrder order;
  UnixMs modified_ms = 0;
  std::string etag;
};

struct DeleteObject {
  std::string key;
  Conditions conditions;  ///< if_match only.
};
struct Deleted {
  std::optional<Errc> failure;  ///< precondition_failed, or no_such_key under If-Match.
  bool existed = false;
};

struct RenameObject {
  BucketId bucket;
  std::string source_key, key;
  Conditions source_conditions, conditions;
};

struct FoundObject {
  Object object;
  std::vector<SharedBytes> inline_bodies;  ///< The bytes of each inline slice, in order, when asked for.
};

struct ListQuery {
  BucketId bucket;
  std::string prefix, delimiter;
  std::string start_after;  ///< Keys (and common prefixes) after this, exclusive.
  std::uint32_t max_keys = 1000;
};
struct ListEntry {
  std::string key;
  std::uint64_t size_bytes = 0;
  UnixMs modified_ms = 0;
  std::string etag;
  std::string storage_class;
  ChecksumAlgorithm checksum_algorithm = ChecksumAlgorithm::none;
  ChecksumType checksum_type = ChecksumType::full_object;
};
/// Entries and common prefixes together count towards max_keys; each vector is in key order.
struct ListPage {
  std::vector<ListEntry> entries;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next;  ///< The last key or common prefix returned: start_after of the next page.
};

struct UploadQuery {
  BucketId bucket;
  std::string prefix, delimiter;
  std::string key_marker;
  std::optional<Uuid> upload_id_marker;  ///< With key_marker: uploads of that very key after this one too.
  std::uint32_t max_uploads = 1000;
};
struct UploadPage {
  std::vector<Upload> uploads;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key_marker;
  std::optional<Uuid> next_upload_id_marker;
};

struct PutPart {
  BucketId bucket;
  std::string key;
  Uuid upload;
  Part part;  ///< number, size, etag, checksum; slices come from body.
  BodyRef body;
};
struct PartPage {
  Upload upload;
  std::vector<Part> parts;
  bool truncated = false;
  std::uint32_t next_part_number_marker = 0;
};
struct CompletedPart {
  std::uint32_t number = 0;
  std::string etag;      ///< Without quotes.
  std::string checksum;  ///< Raw, empty if the client gave none.
};
struct CompleteUpload {
  BucketId bucket;
  std::string key;
  Uuid upload;
  std::vector<CompletedPart> parts;
  Conditions conditions;
  std::string expected_checksum;  ///< Raw full-object checksum (or composite) the client sent; empty if none.
  std::optional<std::uint64_t> expected_size;
};
/// How a complete came out; a replay of one that succeeded answers the same again.
struct Completed {
  Committed committed;
  Checksum checksum;
  std::uint64_t size_bytes = 0;
};

/// The metadata tier as gateways and hooks see it.
///
/// Threads: callable from any io thread; completes on the caller's.
/// Durability: a write that returns a value is in the replicated log (on m+1 living drives when there is one node) and
/// applied; one that returns Errc::ambiguous may be either. Conditions are decided in apply, one command after another:
/// writes and reads of a key are linearizable; a LIST is one snapshot.
/// Memory: proposals under way are bounded; past that Errc::slow_down.
class Client {
 public:
  virtual ~Client() = default;

  // Buckets.
  virtual Task<Bucket> create_bucket(std::string name, std::string location) = 0;  ///< bucket_already_owned_by_you
  virtual Task<Bucket> find_bucket(std::string_view name) = 0;                     ///< no_such_bucket
  virtual Task<> delete_bucket(std::string_view name) = 0;                         ///< bucket_not_empty
  /// In name order after `start_after`, names beginning with `prefix`, at most `limit`.
  virtual Task<std::vector<Bucket>> list_buckets(std::string start_after, std::string prefix, std::size_t limit) = 0;
  virtual Task<BucketUsage> usage(BucketId bucket) = 0;

  // Objects.
  virtual Task<FoundObject> find_object(BucketId bucket, std::string_view key, bool with_inline_bodies) = 0;
  virtual Task<Committed> put_object(PutObject put) = 0;
  virtual Task<std::vector<Deleted>> delete_objects(BucketId bucket, std::vector<DeleteObject> keys) = 0;
  virtual Task<Committed> rename_object(RenameObject rename) = 0;
  virtual Task<> put_tags(BucketId bucket, std::string key, NameValues tags) = 0;  ///< Empty: removes them.
  virtual Task<ListPage> list_objects(ListQuery query) = 0;

  // Multipart uploads.
  virtual Task<Upload> create_upload(BucketId bucket, Upload upload) = 0;  ///< Chooses id and time.
  virtual Task<Upload> find_upload(BucketId bucket, std::string_view key, const Uuid& upload) = 0;
  virtual Task<Part> put_part(PutPart put) = 0;
  virtual Task<PartPage> list_parts(BucketId bucket, std::string_view key, const Uuid& upload,
                                    std::uint32_t part_number_marker, std::uint32_t max_parts) = 0;
  virtual Task<Completed> complete_upload(CompleteUpload complete) = 0;
  virtual Task<> abort_upload(BucketId bucket, std::string_view key, const Uuid& upload) = 0;
  virtual Task<UploadPage> list_uploads(UploadQuery query) = 0;

  // Leases, cluster map, configuration.
  /// Registers a gateway incarnation: closes every lease its earlier ones held, and grants the first of this one's.
  virtual Task<LeaseId> register_gateway(const Uuid& gateway) = 0;
  /// Another lease for the same incarnation; `closing` (0: none) no longer has extents being written. Errc::stale_lease
  /// when it is not open.
  virtual Task<LeaseId> rotate_lease(const Uuid& gateway, LeaseId closing) = 0;
  virtual Task<MapRecord> cluster_map() = 0;  ///< not_found before the first.
  /// Errc::conditional_request_conflict unless `map.version` is one above the recorded one.
  virtual Task<> put_cluster_map(MapRecord map) = 0;
  virtual Task<std::string> find_config(std::string_view name) = 0;  ///< not_found
  virtual Task<> put_config(std::string name, std::string value) = 0;

  // Garbage collection and repair.
  virtual Task<std::vector<FreedExtent>> list_freed(std::size_t limit) = 0;
  /// Errc::conditional_request_conflict unless the recorded map's version is `map_version`: a drive that has come in
  /// since was not told to forget what is dropped.
  virtual Task<> drop_freed(std::vector<std::uint64_t> sequences, std::uint64_t map_version) = 0;
  /// For each extent: whether it may still be needed (has a holder, waits in the free queue, or its lease is open).
  virtual Task<std::vector<bool>> needed(std::vector<ExtentId> extents) = 0;
  virtual Task<std::vector<DegradedExtent>> list_degraded(ExtentId after, std::size_t limit) = 0;
  /// Adds to what is recorded missing of extents that have holders.
  virtual Task<> mark_missing(std::vector<DegradedExtent> extents) = 0;
  /// Takes from it. Errc::stale_epoch, and nothing is taken, when a set's drives have changed since: another drive in
  /// the place owes the shard.
  virtual Task<> mark_good(std::vector<GoodShards> extents) = 0;
  /// Every extent of a set that has a holder, in id order: repair of a replaced drive compares it with its peers'
  /// indexes.
  virtual Task<std::vector<DegradedExtent>> list_extents(SetId set, ExtentId after, std::size_t limit) = 0;
  /// Objects with at least one extent recorded missing a shard, or with a shard on a drive that is out. Exact.
  virtual Task<std::uint64_t> count_below_full_redundancy() = 0;
};

}  // namespace firn::metadata
