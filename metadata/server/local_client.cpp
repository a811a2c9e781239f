#include "server/local_client.h"

#include <span>

#include "firn/base/digest.h"
#include "firn/base/log.h"
#include "server/propose.h"

namespace firn::metadata {
namespace {

/// What one sweep of a deleted bucket's uploads drops: a batch of a few milliseconds.
constexpr std::uint32_t kSweepRows = 1'000;
/// Time in the first bytes of an upload id, so that uploads of a key sort by age.
constexpr std::size_t kUploadTimeBytes = 6;

Uuid new_upload_id(UnixMs now_ms) {
  Uuid id;
  fill_random(std::as_writable_bytes(std::span(id.bytes)));
  for (std::size_t i = 0; i < kUploadTimeBytes; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(now_ms >> (8 * (kUploadTimeBytes - 1 - i)));
  }
  return id;
}

Error stopping() { return error(Errc::cancelled, "the metadata tier is stopping"); }
Error closed() { return error(Errc::durability_unavailable, "the metadata state is closed"); }

}  // namespace

LocalClient::LocalClient(const Parts& parts) : parts_(parts) {
  std::uint64_t first = 0;
  fill_random(std::as_writable_bytes(std::span(&first, 1)));
  next_request_ = first;
}

std::string LocalClient::encode(Operation operation) {
  return encode_command({.feature_level = kFeatureLevel,
                         .shard_epoch = parts_.replica.shard_epoch(),
                         .request_id = next_request_.fetch_add(1, std::memory_order_relaxed),
                         .time_ms = parts_.clock.now_unix_ms(),
                         .operation = std::move(operation)});
}

template <class T>
Task<T> LocalClient::command(Operation operation, Grows grows) {
  const Gatekeeper::Pass pass(parts_.gatekeeper);
  if (!pass) co_return stopping();
  if (grows == Grows::yes && parts_.reserve.short_of_space()) {
    co_return error(Errc::insufficient_storage, "a metadata drive is full");
  }
  if (parts_.replica.failed()) co_return error(Errc::durability_unavailable, "the metadata state has failed");
  if (!caught_up_) {
    // What the log had before this start may have raised the epoch that commands are made under.
    if (parts_.log.reads_need_barrier()) CO_TRY(co_await await_read_barrier(parts_.log));
    caught_up_ = true;
  }
  std::string entry = encode(std::move(operation));
  if (entry.size() > kCommandBytesMax) co_return error(Errc::invalid_argument, "a command above the limit");
  Answer answer = co_await propose(parts_.log, std::move(entry));
  if (!answer) co_return std::move(answer).error();
  FIRN_ASSERT(std::holds_alternative<T>(*answer));
  co_return std::get<T>(std::move(*answer));
}

template <class Work>
auto LocalClient::read(Work work) -> Task<typename decltype(work(std::declval<const Reader&>()))::value_type> {
  using T = typename decltype(work(std::declval<const Reader&>()))::value_type;
  const Gatekeeper::Pass pass(parts_.gatekeeper);
  if (!pass) co_return stopping();
  if (parts_.log.reads_need_barrier()) CO_TRY(co_await await_read_barrier(parts_.log));
  {
    const auto use = parts_.store.use();
    if (!parts_.store.is_open()) co_return closed();
    const RocksReader reader(parts_.store, Wait::never);
    Result<T> result = work(reader);
    if (!reader.would_wait()) co_return result;
  }
  co_return co_await run_blocking<T>(parts_.runtime, [&]() -> Result<T> {
    const auto use = parts_.store.use();
    if (!parts_.store.is_open()) return closed();
    const RocksReader reader(parts_.store, Wait::allowed);
    return work(reader);
  });
}

template <class Work>
auto LocalClient::read_snapshot(Work work) -> Task<typename decltype(work(std::declval<const Reader&>()))::value_type> {
  using T = typename decltype(work(std::declval<const Reader&>()))::value_type;
  const Gatekeeper::Pass pass(parts_.gatekeeper);
  if (!pass) co_return stopping();
  if (parts_.log.reads_need_barrier()) CO_TRY(co_await await_read_barrier(parts_.log));
  co_return co_await run_blocking<T>(parts_.runtime, [&]() -> Result<T> {
    const auto use = parts_.store.use();
    if (!parts_.store.is_open()) return closed();
    const RocksReader reader = RocksReader::snapshot(parts_.store);
    return work(reader);
  });
}

// Below, what only passes a command on is no coroutine: it costs no frame, and g++ 12 copies aggregates in the
// arguments of a co_await bit by bit (GCC bug 98401), strings in them included.

// --- buckets ---

Task<Bucket> LocalClient::create_bucket(std::string name, std::string location) {
  return command<Bucket>(CreateBucket{std::move(name), std::move(location)}, Grows::yes);
}

Task<Bucket> LocalClient::find_bucket(std::string_view name) {
  if (parts_.log.reads_need_barrier()) {
    const Gatekeeper::Pass pass(parts_.gatekeeper);
    if (!pass) co_return stopping();
    CO_TRY(co_await await_read_barrier(parts_.log));
  }
  std::optional<Bucket> bucket = parts_.replica.buckets().find(name);
  if (!bucket) co_return Errc::no_such_bucket;
  co_return std::move(*bucket);
}

Task<> LocalClient::delete_bucket(std::string_view name) {
  const std::optional<Bucket> bucket = parts_.replica.buckets().find(name);
  Operation operation = DeleteBucket{std::string(name)};
  CO_TRY_LET(const SweepState state, co_await command<SweepState>(std::move(operation), Grows::no));
  if (state.more && bucket) sweep(bucket->id);
  co_return Unit{};
}

void LocalClient::sweep(BucketId bucket) {
  // Not awaited by anybody: a sweep that fails, or that a stop cuts short, is resumed at the next start.
  parts_.log.propose(std::make_unique<CallbackProposal>(
      encode(SweepBucket{.bucket = bucket, .limit = kSweepRows}), [this, bucket](Answer answer) {
        if (answer.code() == Errc::stale_epoch) {
          sweep(bucket);  // The state had not got there when it was made, and has now.
        } else if (!answer) {
          log::warn("metadata: sweep of bucket {}: {}", bucket.value, answer.error().detail);
        } else if (std::get<SweepState>(*answer).more) {
          sweep(bucket);
        }
      }));
}

void LocalClient::resume_sweeps() {
  const auto use = parts_.store.use();
  if (!parts_.store.is_open()) return;
  const Result<std::vector<BucketId>> deleted = query::deleted_buckets(RocksReader(parts_.store, Wait::allowed));
  if (!deleted) return;
  for (const BucketId bucket : *deleted) sweep(bucket);
}

Task<std::vector<Bucket>> LocalClient::list_buckets(std::string start_after, std::string prefix, std::size_t limit) {
  if (parts_.log.reads_need_barrier()) {
    const Gatekeeper::Pass pass(parts_.gatekeeper);
    if (!pass) co_return stopping();
    CO_TRY(co_await await_read_barrier(parts_.log));
  }
  co_return parts_.replica.buckets().list(start_after, prefix, limit);
}

Task<BucketUsage> LocalClient::usage(BucketId bucket) {
  return read([bucket](const Reader& state) { return query::usage(state, bucket); });
}

// --- objects ---

Task<FoundObject> LocalClient::find_object(BucketId bucket, std::string_view key, bool with_inline_bodies) {
  return read([bucket, key, with_inline_bodies](const Reader& state) {
    return query::find_object(state, bucket, key, with_inline_bodies);
  });
}

Task<Committed> LocalClient::put_object(PutObject put) { return command<Committed>(std::move(put), Grows::yes); }

Task<std::vector<Deleted>> LocalClient::delete_objects(BucketId bucket, std::vector<DeleteObject> keys) {
  std::vector<Deleted> all;
  while (true) {
    Operation operation = DeleteObjects{bucket, keys};
    CO_TRY_LET(std::vector<Deleted> done, co_await command<std::vector<Deleted>>(std::move(operation), Grows::no));
    keys.erase(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(done.size()));
    all.insert(all.end(), done.begin(), done.end());
    if (keys.empty() || done.empty()) co_return all;
  }
}

Task<Committed> LocalClient::rename_object(RenameObject rename) {
  return command<Committed>(std::move(rename), Grows::no);
}

Task<> LocalClient::put_tags(BucketId bucket, std::string key, NameValues tags) {
  return command<Unit>(PutTags{bucket, std::move(key), std::move(tags)}, Grows::no);
}

Task<ListPage> LocalClient::list_objects(ListQuery query) {
  return read([query = std::move(query)](const Reader& state) { return query::list_objects(state, query); });
}

// --- multipart uploads ---

Task<Upload> LocalClient::create_upload(BucketId bucket, Upload upload) {
  upload.id = new_upload_id(parts_.clock.now_unix_ms());
  return command<Upload>(CreateUpload{bucket, std::move(upload)}, Grows::yes);
}

Task<Upload> LocalClient::find_upload(BucketId bucket, std::string_view key, const Uuid& upload) {
  return read([bucket, key, upload](const Reader& state) { return query::find_upload(state, bucket, key, upload); });
}

Task<Part> LocalClient::put_part(PutPart put) { return command<Part>(std::move(put), Grows::yes); }

Task<PartPage> LocalClient::list_parts(BucketId bucket, std::string_view key, const Uuid& upload,
                                       std::uint32_t part_number_marker, std::uint32_t max_parts) {
  query::PartsQuery query{.bucket = bucket,
                          .key = std::string(key),
                          .upload = upload,
                          .part_number_marker = part_number_marker,
                          .max_parts = max_parts};
  return read_snapshot([query = std::move(query)](const Reader& state) { return query::list_parts(state, query); });
}

Task<Completed> LocalClient::complete_upload(CompleteUpload complete) {
  return command<Completed>(std::move(complete), Grows::no);
}

Task<> LocalClient::abort_upload(BucketId bucket, std::string_view key, const Uuid& upload) {
  return command<Unit>(AbortUpload{bucket, std::string(key), upload}, Grows::no);
}

Task<UploadPage> LocalClient::list_uploads(UploadQuery query) {
  return read_snapshot([query = std::move(query)](const Reader& state) { return query::list_uploads(state, query); });
}

// --- leases, cluster map, configuration ---

Task<LeaseId> LocalClient::register_gateway(const Uuid& gateway) {
  return command<LeaseId>(RegisterGateway{gateway}, Grows::no);
}

Task<LeaseId> LocalClient::rotate_lease(const Uuid& gateway, LeaseId closing) {
  return command<LeaseId>(RotateLease{gateway, closing}, Grows::no);
}

Task<MapRecord> LocalClient::cluster_map() {
  return read([](const Reader& state) { return query::cluster_map(state); });
}

Task<> LocalClient::put_cluster_map(MapRecord map) { return command<Unit>(PutClusterMap{std::move(map)}, Grows::no); }

Task<std::string> LocalClient::find_config(std::string_view name) {
  return read([name](const Reader& state) { return query::find_config(state, name); });
}

Task<> LocalClient::put_config(std::string name, std::string value) {
  return command<Unit>(PutConfig{std::move(name), std::move(value)}, Grows::no);
}

// --- garbage collection and repair ---

Task<std::vector<FreedExtent>> LocalClient::list_freed(std::size_t limit) {
  return read_snapshot([limit](const Reader& state) { return query::list_freed(state, limit); });
}

Task<> LocalClient::drop_freed(std::vector<std::uint64_t> sequences, std::uint64_t map_version) {
  return command<Unit>(DropFreed{std::move(sequences), map_version}, Grows::no);
}

Task<std::vector<bool>> LocalClient::needed(std::vector<ExtentId> extents) {
  return read_snapshot([extents = std::move(extents)](const Reader& state) { return query::needed(state, extents); });
}

Task<std::vector<DegradedExtent>> LocalClient::list_degraded(ExtentId after, std::size_t limit) {
  return read_snapshot([after, limit](const Reader& state) { return query::list_degraded(state, after, limit); });
}

Task<> LocalClient::mark_missing(std::vector<DegradedExtent> extents) {
  return command<Unit>(MarkMissing{std::move(extents)}, Grows::no);
}

Task<> LocalClient::mark_good(std::vector<GoodShards> extents) {
  return command<Unit>(MarkGood{std::move(extents)}, Grows::no);
}

Task<std::vector<DegradedExtent>> LocalClient::list_extents(SetId set, ExtentId after, std::size_t limit) {
  return read_snapshot([set, after, limit](const Reader& state) {
    return query::list_extents(state, {.set = set, .after = after, .limit = limit});
  });
}

Task<std::uint64_t> LocalClient::count_below_full_redundancy() {
  return read_snapshot([](const Reader& state) { return query::count_below_full_redundancy(state); });
}

}  // namespace firn::metadata
