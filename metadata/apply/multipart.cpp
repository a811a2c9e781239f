#include "apply/context.h"
#include "apply/extents.h"
#include "rows/record.h"

namespace firn::metadata {
namespace {

constexpr std::uint32_t kPartNumberMax = 10'000;  // AWS's limit.

Holder holder_of(const StoredPart& stored) { return {keys::HolderKind::part, stored.order}; }

}  // namespace

Result<Upload> load_upload(const Context& context, BucketId bucket, std::string_view key, const Uuid& id) {
  TRY_LET(auto upload, load<Upload>(context.state, Family::uploads, keys::upload(bucket, key, id)));
  if (!upload) return Errc::no_such_upload;
  return std::move(*upload);
}

Answer apply(Context& context, CreateUpload&& create) {
  TRY(expect_bucket(context, create.bucket));
  std::uint8_t storage_class = 0;
  if (!storage_class_number(create.upload.attributes.storage_class, storage_class)) return Errc::invalid_storage_class;
  Upload upload = std::move(create.upload);
  upload.initiated_ms = context.now_ms;
  const std::string row = keys::upload(create.bucket, upload.key, upload.id);
  TRY_LET(const auto existing, get_row(context.state, Family::uploads, row));
  if (existing) return error(Errc::already_exists, "upload " + to_string(upload.id));
  store(context.state, Family::uploads, row, upload);
  TRY(change_usage(context, create.bucket, {.uploads = 1}));
  return AnswerValue(std::move(upload));
}

Answer apply(Context& context, PutPart&& put) {
  TRY(expect_bucket(context, put.bucket));
  TRY_LET(const Upload upload, load_upload(context, put.bucket, put.key, put.upload));
  const std::uint32_t number = put.part.number;
  if (number < 1 || number > kPartNumberMax) return error(Errc::invalid_argument, "part " + std::to_string(number));
  if (!valid_etag(put.part.etag)) return error(Errc::invalid_argument, "entity tag " + put.part.etag);

  const std::string row = keys::part(put.upload, number);
  std::string value;
  TRY_LET(const bool replaces, context.state.get(Family::uploads, row, value));
  std::optional<StoredPart> replaced;
  if (replaces) {
    TRY_LET(StoredPart old, decode_part(row, number, value));
    replaced = std::move(old);
  }
  StoredPart stored{.part = std::move(put.part), .order = context.order};
  TRY_LET(stored.part.slices, take_body(context, std::move(put.body), stored.part.size_bytes));
  stored.part.modified_ms = context.now_ms;
  TRY(hold(context, holder_of(stored), stored.part.slices));
  if (replaced) TRY(release(context, holder_of(*replaced), replaced->part.slices));
  context.state.put(Family::uploads, row, encode_part(row, stored));
  return AnswerValue(std::move(stored.part));
}

Result<std::uint32_t> drop_upload(Context& context, BucketId bucket, const Upload& upload, std::uint32_t limit) {
  const std::string prefix = keys::parts_prefix(upload.id);
  std::uint32_t dropped = 0;
  const auto cursor = context.state.scan(Family::uploads, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    if (dropped == limit) return dropped;
    std::uint32_t number = 0;
    if (!keys::parse_part(cursor->key(), number)) return corrupt_row(Family::uploads, cursor->key(), "key");
    TRY_LET(const StoredPart stored, decode_part(cursor->key(), number, cursor->value()));
    TRY(release(context, holder_of(stored), stored.part.slices));
    context.state.erase(Family::uploads, std::string(cursor->key()));
    ++dropped;
  }
  TRY(cursor->status());
  if (dropped == limit) return dropped;
  context.state.erase(Family::uploads, keys::upload(bucket, upload.key, upload.id));
  TRY(change_usage(context, bucket, {.uploads = -1}));
  return dropped + 1;
}

Answer apply(Context& context, AbortUpload&& abort) {
  TRY(expect_bucket(context, abort.bucket));
  TRY_LET(const Upload upload, load_upload(context, abort.bucket, abort.key, abort.upload));
  // Parts are numbered, so an upload has a bounded number of them: all go at once.
  TRY(drop_upload(context, abort.bucket, upload, kPartNumberMax + 1));
  return AnswerValue(Unit{});
}

}  // namespace firn::metadata
