#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/base/result.h"
#include "firn/metadata/client.h"
#include "firn/objects/body.h"
#include "firn/objects/checksum.h"
#include "firn/volume/client.h"

namespace firn::objects {

class BodyCache;
class ExtentIds;

/// What the client says the bytes must turn out to be, and which checksum to keep.
struct Integrity {
  ChecksumAlgorithm kept = ChecksumAlgorithm::crc64nvme;  ///< Computed, and stored beside the bytes.
  ChecksumAlgorithm stated = ChecksumAlgorithm::none;     ///< What the client sends; mostly the one that is kept.
  std::string md5;                                        ///< Raw; empty if not stated.
  std::string checksum;  ///< Raw, of `stated`; empty if there is none (or it trails: BodySource::trailing_checksum).
};

struct PutRequest {
  BucketId bucket;
  std::string key;
  metadata::Conditions conditions;
  metadata::Attributes attributes;
  Integrity integrity;
};
struct PutResult {
  metadata::Committed committed;
  metadata::Checksum checksum;
  std::uint64_t size_bytes = 0;
};

/// Whether a source as found now may be copied. Called again when the source changed meanwhile.
using SourceCheck = std::function<Result<>(const metadata::Object&)>;

struct CopySource {
  BucketId bucket;
  std::string key;
  SourceCheck check;  ///< May be empty.
};
struct CopyRequest {
  CopySource source;
  BucketId bucket;
  std::string key;
  metadata::Conditions conditions;
  metadata::Attributes attributes;  ///< Of the copy; what the two directives below keep comes from the source instead.
  bool keep_attributes = true;      ///< Content-* headers and user metadata; never storage class or website redirect.
  bool keep_tags = true;
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;  ///< none: the source's. Another: its bytes are read once.
};
struct CopyResult {
  metadata::Committed committed;
  metadata::Checksum checksum;
  std::size_t part_count = 0;  ///< Of a copied multipart object.
};

struct PartRequest {
  BucketId bucket;
  std::string key;
  metadata::Upload upload;  ///< As `find_upload` gave it.
  std::uint32_t number = 0;
  Integrity integrity;
};
struct PartCopyRequest {
  BucketId bucket;
  std::string key;
  metadata::Upload upload;
  std::uint32_t number = 0;
  CopySource source;
  /// The range to copy, from the source as found. Empty: all of it.
  std::function<Result<ByteRange>(const metadata::Object&)> range;
};

/// S3 semantics without HTTP, over the metadata and the volume tier. Gateways, replication and hooks use it.
///
/// Threads: callable from any io thread; completes on the caller's. `start` and `stop` once.
/// Durability: a write that returns a value is durable: shards synced first, then the metadata commit.
/// Memory: bodies stream through the volume client's admission budget; inline bodies take kInlineBytesMax each.
class Store {
 public:
  struct Options {
    Uuid gateway;  ///< This process's identity towards the metadata tier; kept across restarts.
    std::uint64_t inline_bytes_max = metadata::kInlineBytesMax;
    /// A lease is closed after so many extents, so that orphans under it may be collected.
    std::uint64_t extents_per_lease = 1'000'000;
    /// Memory for small bodies that are read repeatedly; 0: none is kept.
    std::uint64_t body_cache_bytes = 0;
  };
  Store(metadata::Client& metadata, volume::Client& volumes, Options options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Registers this gateway: earlier incarnations' leases close. Before any write.
  Task<> start();
  /// Refuses new writes. Those under way finish.
  void stop();
  /// Extents under this lease and later ones may still be written, earlier ones are closed; 0 before `start`.
  LeaseId first_open_lease() const;

  // Buckets.
  Task<metadata::Bucket> create_bucket(std::string name, std::string location);
  Task<metadata::Bucket> find_bucket(std::string_view name);
  Task<> delete_bucket(std::string_view name);
  Task<std::vector<metadata::Bucket>> list_buckets(std::string start_after, std::string prefix, std::size_t limit);

  // Objects.
  Task<metadata::FoundObject> find(BucketId bucket, std::string_view key);
  Task<metadata::FoundObject> find_with_bodies(BucketId bucket, std::string_view key);
  /// `found` must come from find_with_bodies (its bodies are shared); the range must lie within the object.
  Result<std::unique_ptr<ObjectReader>> read(const metadata::FoundObject& found, ByteRange range);
  Task<PutResult> put(PutRequest request, BodySource& body);
  /// By reference: no byte moves. A source that changes meanwhile is read again, a few times.
  Task<CopyResult> copy(CopyRequest request);
  Task<metadata::Committed> rename(metadata::RenameObject rename);
  Task<std::vector<metadata::Deleted>> remove(BucketId bucket, std::vector<metadata::DeleteObject> keys);
  Task<> put_tags(BucketId bucket, std::string key, metadata::NameValues tags);
  Task<metadata::ListPage> list(metadata::ListQuery query);

  // Multipart uploads.
  Task<metadata::Upload> create_upload(BucketId bucket, metadata::Upload upload);
  Task<metadata::Upload> find_upload(BucketId bucket, std::string_view key, const Uuid& upload);
  Task<metadata::Part> put_part(PartRequest request, BodySource& body);
  Task<metadata::Part> copy_part(PartCopyRequest request);
  Task<metadata::Completed> complete_upload(metadata::CompleteUpload complete);
  Task<> abort_upload(BucketId bucket, std::string_view key, const Uuid& upload);
  Task<metadata::PartPage> list_parts(BucketId bucket, std::string_view key, const Uuid& upload,
                                      std::uint32_t part_number_marker, std::uint32_t max_parts);
  Task<metadata::UploadPage> list_uploads(metadata::UploadQuery query);

 private:
  metadata::Client& metadata_;
  volume::Client& volumes_;
  Options options_;
  std::unique_ptr<ExtentIds> extent_ids_;
  std::shared_ptr<BodyCache> body_cache_;  // Shared with readers, which may outlive the store by a moment.
};

}  // namespace firn::objects
