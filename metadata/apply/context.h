#pragma once

#include <string_view>

#include "apply/applier.h"
#include "apply/sets.h"
#include "rows/keys.h"
#include "rows/seal.h"
#include "rows/try.h"

namespace firn::metadata {

/// What every operation decides with.
struct Context {
  Transaction& state;
  Progress& progress;
  Sets& sets;
  Outcome& outcome;
  VersionOrder order;  ///< Of this command.
  UnixMs now_ms = 0;   ///< Never lower than any command's before.
};

// buckets.cpp
Answer apply(Context& context, CreateBucket&& create);
Answer apply(Context& context, DeleteBucket&& remove);
Answer apply(Context& context, SweepBucket&& sweep);
/// Errc::no_such_bucket.
Result<> expect_bucket(const Context& context, BucketId bucket);
/// What a command adds to a bucket's usage; negative where it takes away.
struct UsageChange {
  std::int64_t objects = 0, bytes = 0, uploads = 0;
};
Result<> change_usage(Context& context, BucketId bucket, UsageChange change);

// objects.cpp
Answer apply(Context& context, PutObject&& put);
Answer apply(Context& context, DeleteObjects&& remove);
Answer apply(Context& context, RenameObject&& rename);
Answer apply(Context& context, PutTags&& tags);
/// Errc::no_such_key or precondition_failed. `current` is null when there is no object.
Result<> check_conditions(const Conditions& conditions, const Object* current);
Result<std::optional<Object>> load_object(const Context& context, BucketId bucket, std::string_view key);
/// Makes `object` the current one of its key in place of `replaced`: record, holders and usage.
Result<> put_current(Context& context, BucketId bucket, std::string_view key, const Object& object,
                     const std::optional<Object>& replaced);

// multipart.cpp, complete.cpp
Answer apply(Context& context, CreateUpload&& create);
Answer apply(Context& context, PutPart&& put);
Answer apply(Context& context, CompleteUpload&& complete);
Answer apply(Context& context, AbortUpload&& abort);
/// Errc::no_such_upload.
Result<Upload> load_upload(const Context& context, BucketId bucket, std::string_view key, const Uuid& id);
/// Drops parts of the upload, at most `limit`, and the upload itself when none is left. How many rows were dropped.
Result<std::uint32_t> drop_upload(Context& context, BucketId bucket, const Upload& upload, std::uint32_t limit);

// cluster.cpp
Answer apply(Context& context, RegisterGateway&& gateway);
Answer apply(Context& context, RotateLease&& rotate);
Answer apply(Context& context, PutClusterMap&& put);
Answer apply(Context& context, PutConfig&& put);

// repair.cpp
Answer apply(Context& context, DropFreed&& drop);
Answer apply(Context& context, MarkMissing&& mark);
Answer apply(Context& context, MarkGood&& mark);

}  // namespace firn::metadata
