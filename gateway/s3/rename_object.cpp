#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/conditions.h"
#include "s3/copy_source.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"

namespace firn::gateway {

namespace {

/// A date can't be compared in apply, so it is compared here and what was found is pinned by its entity tag: if the
/// object changes before the rename is applied, the rename is refused.
Task<std::string> check_dates(Request& request, BucketId bucket, std::string key, ReadConditions conditions) {
  CO_TRY_LET(const auto found, co_await request.store->find(bucket, key));
  auto held = check_conditions(conditions, found.object);
  if (held.code() == Errc::not_modified) co_return error(Errc::precondition_failed, "If-Modified-Since");
  CO_TRY(held);
  co_return found.object.etag;
}

bool has_dates(const ReadConditions& conditions) {
  return conditions.if_modified_since || conditions.if_unmodified_since;
}

metadata::Conditions tags_of(const ReadConditions& conditions) {
  return {.if_match = std::string(unquoted(conditions.if_match)),
          .if_none_match = std::string(unquoted(conditions.if_none_match))};
}

}  // namespace

// RenameObject: one command moves the record; an object of the new name is replaced unless a condition forbids it.
Task<Reply> rename_object(Request& request) {
  CO_TRY(objects::check_key(request.key));
  CO_TRY(check_expected_owner(request));
  const std::string_view source = request.header("x-amz-rename-source");
  if (source.empty()) co_return Errc::missing_security_header;
  metadata::RenameObject rename{.key = request.key};
  CO_TRY_LET(rename.source_key, parse_rename_source(source, request.bucket));
  if (rename.source_key == rename.key) {
    co_return client_error(Errc::invalid_request, "An object cannot be renamed to its own name.");
  }
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  rename.bucket = bucket.id;

  const ReadConditions of_source = rename_source_conditions(request);
  const ReadConditions of_target = read_conditions(request);
  rename.source_conditions = tags_of(of_source);
  rename.conditions = tags_of(of_target);
  if (has_dates(of_source)) {
    CO_TRY_LET(rename.source_conditions.if_match,
               co_await check_dates(request, bucket.id, rename.source_key, of_source));
  }
  if (has_dates(of_target)) {
    CO_TRY_LET(rename.conditions.if_match, co_await check_dates(request, bucket.id, rename.key, of_target));
  }
  CO_TRY(co_await request.store->rename(std::move(rename)));
  co_return Reply{};
}

}  // namespace firn::gateway
