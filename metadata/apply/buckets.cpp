#include <limits>

#include "apply/context.h"

namespace firn::metadata {
namespace {

/// As many as AWS allows without asking. All of them are kept in memory.
constexpr std::uint64_t kBucketsMax = 10'000;

}  // namespace

Result<> expect_bucket(const Context& context, BucketId bucket) {
  std::string ignored;
  TRY_LET(const bool found, context.state.get(Family::buckets, keys::bucket_by_id(bucket), ignored));
  return found ? Result<>() : Errc::no_such_bucket;
}

Result<> change_usage(Context& context, BucketId bucket, UsageChange change) {
  if (change.objects == 0 && change.bytes == 0 && change.uploads == 0) return {};
  const std::string key = keys::bucket_usage(bucket);
  TRY_LET(const auto found, load<BucketUsage>(context.state, Family::buckets, key));
  // Uploads of a deleted bucket are swept after its usage row went.
  if (!found) return {};
  BucketUsage usage = *found;
  usage.objects += static_cast<std::uint64_t>(change.objects);
  usage.bytes += static_cast<std::uint64_t>(change.bytes);
  usage.uploads += static_cast<std::uint64_t>(change.uploads);
  store(context.state, Family::buckets, key, usage);
  return {};
}

Answer apply(Context& context, CreateBucket&& create) {
  const std::string key = keys::bucket_by_name(create.name);
  TRY_LET(const auto existing, load<Bucket>(context.state, Family::buckets, key));
  if (existing) return error(Errc::bucket_already_owned_by_you);
  if (context.progress.buckets >= kBucketsMax) return error(Errc::too_many_buckets);
  ++context.progress.buckets;
  Bucket bucket{.id = BucketId{context.progress.next_bucket++},
                .name = std::move(create.name),
                .created_ms = context.now_ms,
                .location = std::move(create.location)};
  store(context.state, Family::buckets, key, bucket);
  put_row(context.state, Family::buckets, keys::bucket_by_id(bucket.id), bucket.name);
  store(context.state, Family::buckets, keys::bucket_usage(bucket.id), BucketUsage{});
  context.outcome.created = bucket;
  return AnswerValue(std::move(bucket));
}

Answer apply(Context& context, DeleteBucket&& remove) {
  const std::string key = keys::bucket_by_name(remove.name);
  TRY_LET(const auto bucket, load<Bucket>(context.state, Family::buckets, key));
  if (!bucket) return error(Errc::no_such_bucket);
  const std::string usage_key = keys::bucket_usage(bucket->id);
  TRY_LET(const auto usage, load<BucketUsage>(context.state, Family::buckets, usage_key));
  if (!usage) return corrupt_row(Family::buckets, usage_key, "missing");
  if (usage->objects != 0) return error(Errc::bucket_not_empty);
  --context.progress.buckets;
  context.state.erase(Family::buckets, key);
  context.state.erase(Family::buckets, keys::bucket_by_id(bucket->id));
  context.state.erase(Family::buckets, usage_key);
  if (usage->uploads != 0) put_row(context.state, Family::buckets, keys::deleted_bucket(bucket->id), {});
  context.outcome.removed = *bucket;
  return AnswerValue(SweepState{.more = usage->uploads != 0});
}

Answer apply(Context& context, SweepBucket&& sweep) {
  const std::string deleted = keys::deleted_bucket(sweep.bucket);
  TRY_LET(const auto marked, get_row(context.state, Family::buckets, deleted));
  if (!marked) return AnswerValue(SweepState{});
  const std::string prefix = keys::uploads_prefix(sweep.bucket);
  std::uint32_t left = sweep.limit;
  const auto cursor = context.state.scan(Family::uploads, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    TRY_LET(const Upload upload, unseal_row<Upload>(Family::uploads, cursor->key(), cursor->value()));
    TRY_LET(const std::uint32_t dropped, drop_upload(context, sweep.bucket, upload, left));
    left -= dropped;
    // The limit may have been reached within an upload.
    if (left == 0) return AnswerValue(SweepState{.more = true});
  }
  TRY(cursor->status());
  context.state.erase(Family::buckets, deleted);
  return AnswerValue(SweepState{});
}

}  // namespace firn::metadata
