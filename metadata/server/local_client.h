#pragma once

#include <atomic>

#include "command/command.h"
#include "files/reserve.h"
#include "firn/base/clock.h"
#include "firn/base/runtime.h"
#include "log/replicated_log.h"
#include "query/query.h"
#include "server/gatekeeper.h"
#include "server/replica.h"
#include "store/rocks_store.h"

namespace firn::metadata {

/// The client of a process that is the metadata tier itself.
///
/// Writes go through the log. Reads see every write that was answered before they began: on one node an entry is
/// applied before it is answered; in a cluster each read waits for a barrier first.
class LocalClient final : public Client {
 public:
  struct Parts {
    Runtime& runtime;
    Clock& clock;
    ReplicatedLog& log;
    Replica& replica;
    RocksStore& store;
    Reserve& reserve;
    Gatekeeper& gatekeeper;
  };
  explicit LocalClient(const Parts& parts);

  /// Sweeps, in the background, what a crash left of deleted buckets.
  void resume_sweeps();

  Task<Bucket> create_bucket(std::string name, std::string location) override;
  Task<Bucket> find_bucket(std::string_view name) override;
  Task<> delete_bucket(std::string_view name) override;
  Task<std::vector<Bucket>> list_buckets(std::string start_after, std::string prefix, std::size_t limit) override;
  Task<BucketUsage> usage(BucketId bucket) override;

  Task<FoundObject> find_object(BucketId bucket, std::string_view key, bool with_inline_bodies) override;
  Task<Committed> put_object(PutObject put) override;
  Task<std::vector<Deleted>> delete_objects(BucketId bucket, std::vector<DeleteObject> keys) override;
  Task<Committed> rename_object(RenameObject rename) override;
  Task<> put_tags(BucketId bucket, std::string key, NameValues tags) override;
  Task<ListPage> list_objects(ListQuery query) override;

  Task<Upload> create_upload(BucketId bucket, Upload upload) override;
  Task<Upload> find_upload(BucketId bucket, std::string_view key, const Uuid& upload) override;
  Task<Part> put_part(PutPart put) override;
  Task<PartPage> list_parts(BucketId bucket, std::string_view key, const Uuid& upload, std::uint32_t part_number_marker,
                            std::uint32_t max_parts) override;
  Task<Completed> complete_upload(CompleteUpload complete) override;
  Task<> abort_upload(BucketId bucket, std::string_view key, const Uuid& upload) override;
  Task<UploadPage> list_uploads(UploadQuery query) override;

  Task<LeaseId> register_gateway(const Uuid& gateway) override;
  Task<LeaseId> rotate_lease(const Uuid& gateway, LeaseId closing) override;
  Task<MapRecord> cluster_map() override;
  Task<> put_cluster_map(MapRecord map) override;
  Task<std::string> find_config(std::string_view name) override;
  Task<> put_config(std::string name, std::string value) override;

  Task<std::vector<FreedExtent>> list_freed(std::size_t limit) override;
  Task<> drop_freed(std::vector<std::uint64_t> sequences, std::uint64_t map_version) override;
  Task<std::vector<bool>> needed(std::vector<ExtentId> extents) override;
  Task<std::vector<DegradedExtent>> list_degraded(ExtentId after, std::size_t limit) override;
  Task<> mark_missing(std::vector<DegradedExtent> extents) override;
  Task<> mark_good(std::vector<GoodShards> extents) override;
  Task<std::vector<DegradedExtent>> list_extents(SetId set, ExtentId after, std::size_t limit) override;
  Task<std::uint64_t> count_below_full_redundancy() override;

 private:
  /// Whether a command makes the state grow: such are refused while a drive is full.
  enum class Grows : std::uint8_t { no, yes };

  std::string encode(Operation operation);
  /// Proposes, and gives the answer's value, which is a T.
  template <class T>
  Task<T> command(Operation operation, Grows grows);
  /// Returns when the state here has everything that was answered before, by any node.
  /// Runs `work` on what is in memory, and again on the blocking pool when that is not enough.
  template <class Work>
  auto read(Work work) -> Task<typename decltype(work(std::declval<const Reader&>()))::value_type>;
  /// Runs `work` on the blocking pool, on one snapshot.
  template <class Work>
  auto read_snapshot(Work work) -> Task<typename decltype(work(std::declval<const Reader&>()))::value_type>;
  void sweep(BucketId bucket);

  Parts parts_;
  std::atomic<std::uint64_t> next_request_;
  std::atomic<bool> caught_up_{false};  ///< The state has been, since the start, where the cluster was.
};

}  // namespace firn::metadata
