#pragma once

#include "command/command.h"
#include "firn/metadata/client.h"
#include "node_log.h"

namespace firn::simulation {

/// A node's metadata client, over the simulated log: LocalClient without its threads and RocksDB. Commands, apply and
/// queries are the product's.
class NodeClient final : public metadata::Client {
 public:
  NodeClient(NodeLog& log, const LogGroup& group, std::uint64_t first_request)
      : log_(log), group_(group), next_request_(first_request) {}

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
  template <class T>
  Task<T> command(metadata::Operation operation);
  template <class Work>
  auto read(Work work) -> Task<typename decltype(work(std::declval<const metadata::Reader&>()))::value_type>;

  NodeLog& log_;
  const LogGroup& group_;
  std::uint64_t next_request_;
};

}  // namespace firn::simulation
