#include "node_client.h"

#include "query/query.h"
#include "server/propose.h"

namespace firn::simulation {

using namespace metadata;  // Every word here is the metadata tier's.

template <class T>
Task<T> NodeClient::command(Operation operation) {
  std::string entry = encode_command({.request_id = next_request_++,
                                      .time_ms = system_clock_source().now_unix_ms(),
                                      .operation = std::move(operation)});
  Answer answer = co_await propose(log_, std::move(entry));
  if (!answer) co_return std::move(answer).error();
  co_return std::get<T>(std::move(*answer));
}

template <class Work>
auto NodeClient::read(Work work) -> Task<typename decltype(work(std::declval<const Reader&>()))::value_type> {
  CO_TRY(co_await await_read_barrier(log_));
  co_return work(group_.state());
}

Task<Bucket> NodeClient::create_bucket(std::string name, std::string location) {
  return command<Bucket>(CreateBucket{std::move(name), std::move(location)});
}
Task<Bucket> NodeClient::find_bucket(std::string_view name) {
  return read([name = std::string(name)](const Reader& state) -> Result<Bucket> {
    auto buckets = query::all_buckets(state);
    if (!buckets) return buckets.error();
    for (Bucket& bucket : *buckets) {
      if (bucket.name == name) return std::move(bucket);
    }
    return Errc::no_such_bucket;
  });
}
Task<> NodeClient::delete_bucket(std::string_view name) {
  auto deleted = co_await command<SweepState>(DeleteBucket{std::string(name)});
  co_return deleted ? Result<>() : Result<>(deleted.error());
}
Task<std::vector<Bucket>> NodeClient::list_buckets(std::string, std::string, std::size_t) {
  return read([](const Reader& state) { return query::all_buckets(state); });
}
Task<BucketUsage> NodeClient::usage(BucketId bucket) {
  return read([bucket](const Reader& state) { return query::usage(state, bucket); });
}

Task<FoundObject> NodeClient::find_object(BucketId bucket, std::string_view key, bool with_inline_bodies) {
  return read([bucket, key = std::string(key), with_inline_bodies](const Reader& state) {
    return query::find_object(state, bucket, key, with_inline_bodies);
  });
}
Task<Committed> NodeClient::put_object(PutObject put) { return command<Committed>(std::move(put)); }
Task<std::vector<Deleted>> NodeClient::delete_objects(BucketId bucket, std::vector<DeleteObject> keys) {
  return command<std::vector<Deleted>>(DeleteObjects{bucket, std::move(keys)});
}
Task<Committed> NodeClient::rename_object(RenameObject rename) { return command<Committed>(std::move(rename)); }
Task<> NodeClient::put_tags(BucketId bucket, std::string key, NameValues tags) {
  return command<Unit>(PutTags{bucket, std::move(key), std::move(tags)});
}
Task<ListPage> NodeClient::list_objects(ListQuery query) {
  return read([query = std::move(query)](const Reader& state) { return query::list_objects(state, query); });
}

Task<Upload> NodeClient::create_upload(BucketId bucket, Upload upload) {
  // Its proposer chooses the id; numbers that no other request has will do.
  const std::uint64_t id = next_request_++;
  std::memcpy(upload.id.bytes.data(), &id, sizeof id);
  return command<Upload>(CreateUpload{bucket, std::move(upload)});
}
Task<Upload> NodeClient::find_upload(BucketId bucket, std::string_view key, const Uuid& upload) {
  return read([bucket, key = std::string(key), upload](const Reader& state) {
    return query::find_upload(state, bucket, key, upload);
  });
}
Task<Part> NodeClient::put_part(PutPart put) { return command<Part>(std::move(put)); }
Task<PartPage> NodeClient::list_parts(BucketId bucket, std::string_view key, const Uuid& upload,
                                      std::uint32_t part_number_marker, std::uint32_t max_parts) {
  query::PartsQuery query{.bucket = bucket,
                          .key = std::string(key),
                          .upload = upload,
                          .part_number_marker = part_number_marker,
                          .max_parts = max_parts};
  return read([query = std::move(query)](const Reader& state) { return query::list_parts(state, query); });
}
Task<Completed> NodeClient::complete_upload(CompleteUpload complete) { return command<Completed>(std::move(complete)); }
Task<> NodeClient::abort_upload(BucketId bucket, std::string_view key, const Uuid& upload) {
  return command<Unit>(AbortUpload{bucket, std::string(key), upload});
}
Task<UploadPage> NodeClient::list_uploads(UploadQuery query) {
  return read([query = std::move(query)](const Reader& state) { return query::list_uploads(state, query); });
}

Task<LeaseId> NodeClient::register_gateway(const Uuid& gateway) { return command<LeaseId>(RegisterGateway{gateway}); }
Task<LeaseId> NodeClient::rotate_lease(const Uuid& gateway, LeaseId closing) {
  return command<LeaseId>(RotateLease{gateway, closing});
}
Task<MapRecord> NodeClient::cluster_map() {
  return read([](const Reader& state) { return query::cluster_map(state); });
}
Task<> NodeClient::put_cluster_map(MapRecord map) { return command<Unit>(PutClusterMap{std::move(map)}); }
Task<std::string> NodeClient::find_config(std::string_view name) {
  return read([name = std::string(name)](const Reader& state) { return query::find_config(state, name); });
}
Task<> NodeClient::put_config(std::string name, std::string value) {
  return command<Unit>(PutConfig{std::move(name), std::move(value)});
}

Task<std::vector<FreedExtent>> NodeClient::list_freed(std::size_t limit) {
  return read([limit](const Reader& state) { return query::list_freed(state, limit); });
}
Task<> NodeClient::drop_freed(std::vector<std::uint64_t> sequences, std::uint64_t map_version) {
  return command<Unit>(DropFreed{std::move(sequences), map_version});
}
Task<std::vector<bool>> NodeClient::needed(std::vector<ExtentId> extents) {
  return read([extents = std::move(extents)](const Reader& state) { return query::needed(state, extents); });
}
Task<std::vector<DegradedExtent>> NodeClient::list_degraded(ExtentId after, std::size_t limit) {
  return read([after, limit](const Reader& state) { return query::list_degraded(state, after, limit); });
}
Task<> NodeClient::mark_missing(std::vector<DegradedExtent> extents) {
  return command<Unit>(MarkMissing{std::move(extents)});
}
Task<> NodeClient::mark_good(std::vector<GoodShards> extents) { return command<Unit>(MarkGood{std::move(extents)}); }
Task<std::vector<DegradedExtent>> NodeClient::list_extents(SetId set, ExtentId after, std::size_t limit) {
  query::ExtentsQuery query{.set = set, .after = after, .limit = limit};
  return read([query](const Reader& state) { return query::list_extents(state, query); });
}
Task<std::uint64_t> NodeClient::count_below_full_redundancy() {
  return read([](const Reader& state) { return query::count_below_full_redundancy(state); });
}

}  // namespace firn::simulation
