#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "firn/metadata/client.h"

namespace firn::test {

/// The metadata tier as maps in memory, with the behaviour its contract promises: conditions decided when a write is
/// applied, copies refused once their source's last holder is gone, completes that answer the same again.
class FakeMetadata : public metadata::Client {
 public:
  /// Called before each write is applied: lets a test change the world between a gateway's read and its write.
  std::function<void()> before_write;
  std::optional<Errc> write_failure;  ///< Of the next put_object or put_part.
  std::size_t finds = 0;              ///< find_object calls.
  std::vector<LeaseId> closed_leases;
  UnixMs now_ms = 1'770'000'000'123;

  /// Does what a put by somebody else does, at once.
  void put_now(BucketId bucket, const std::string& key, const std::string& inline_bytes);

  Task<metadata::Bucket> create_bucket(std::string name, std::string location) override;
  Task<metadata::Bucket> find_bucket(std::string_view name) override;
  Task<> delete_bucket(std::string_view name) override;
  Task<std::vector<metadata::Bucket>> list_buckets(std::string start_after, std::string prefix,
                                                   std::size_t limit) override;
  Task<metadata::BucketUsage> usage(BucketId bucket) override;

  Task<metadata::FoundObject> find_object(BucketId bucket, std::string_view key, bool with_inline_bodies) override;
  Task<metadata::Committed> put_object(metadata::PutObject put) override;
  Task<std::vector<metadata::Deleted>> delete_objects(BucketId bucket,
                                                      std::vector<metadata::DeleteObject> keys) override;
  Task<metadata::Committed> rename_object(metadata::RenameObject rename) override;
  Task<> put_tags(BucketId bucket, std::string key, metadata::NameValues tags) override;
  Task<metadata::ListPage> list_objects(metadata::ListQuery query) override;

  Task<metadata::Upload> create_upload(BucketId bucket, metadata::Upload upload) override;
  Task<metadata::Upload> find_upload(BucketId bucket, std::string_view key, const Uuid& upload) override;
  Task<metadata::Part> put_part(metadata::PutPart put) override;
  Task<metadata::PartPage> list_parts(BucketId bucket, std::string_view key, const Uuid& upload,
                                      std::uint32_t part_number_marker, std::uint32_t max_parts) override;
  Task<metadata::Completed> complete_upload(metadata::CompleteUpload complete) override;
  Task<> abort_upload(BucketId bucket, std::string_view key, const Uuid& upload) override;
  Task<metadata::UploadPage> list_uploads(metadata::UploadQuery query) override;

  Task<LeaseId> register_gateway(const Uuid& gateway) override;
  Task<LeaseId> rotate_lease(const Uuid& gateway, LeaseId closing) override;
  Task<metadata::MapRecord> cluster_map() override;
  Task<> put_cluster_map(metadata::MapRecord map) override;
  Task<std::string> find_config(std::string_view name) override;
  Task<> put_config(std::string name, std::string value) override;
  Task<std::vector<metadata::FreedExtent>> list_freed(std::size_t limit) override;
  Task<> drop_freed(std::vector<std::uint64_t> sequences, std::uint64_t map_version) override;
  Task<std::vector<bool>> needed(std::vector<ExtentId> extents) override;
  Task<std::vector<metadata::DegradedExtent>> list_degraded(ExtentId after, std::size_t limit) override;
  Task<> mark_missing(std::vector<metadata::DegradedExtent> extents) override;
  Task<> mark_good(std::vector<metadata::GoodShards> extents) override;
  Task<std::vector<metadata::DegradedExtent>> list_extents(SetId set, ExtentId after, std::size_t limit) override;
  Task<std::uint64_t> count_below_full_redundancy() override;

 private:
  struct StoredUpload {
    metadata::Upload upload;
    std::map<std::uint32_t, metadata::Part> parts;
  };
  using Objects = std::map<std::string, metadata::Object>;

  const metadata::Object* find_current(BucketId bucket, const std::string& key) const;
  bool is_held(ExtentId extent) const;
  bool lease_is_open(LeaseId lease) const;
  Result<std::vector<metadata::Slice>> take_body(metadata::BodyRef& body);
  Result<metadata::Committed> install(BucketId bucket, const std::string& key, metadata::Object object);
  Result<StoredUpload*> find_stored(BucketId bucket, const std::string& key, const Uuid& upload);
  void wrote();

  std::map<std::string, metadata::Bucket> buckets_;
  std::map<BucketId, Objects> objects_;
  std::map<std::uint64_t, std::string> inline_bodies_;
  std::map<BucketId, std::map<std::string, std::map<Uuid, StoredUpload>>> uploads_;
  std::map<Uuid, metadata::Completed> completed_;
  std::map<std::string, std::string> config_;
  std::set<LeaseId> open_leases_;
  std::uint64_t log_index_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace firn::test
