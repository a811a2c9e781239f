#include "apply/context.h"
#include "apply/extents.h"
#include "rows/record.h"

namespace firn::metadata {
namespace {

constexpr std::string_view kAnyTag = "*";

bool matches(const std::string& condition, const std::string& etag) {
  return condition == kAnyTag || condition == etag;
}

Result<> check_form(const PutObject& put) {
  std::uint8_t storage_class = 0;
  if (!valid_etag(put.etag)) return error(Errc::invalid_argument, "entity tag " + put.etag);
  if (!storage_class_number(put.attributes.storage_class, storage_class)) return Errc::invalid_storage_class;
  return {};
}

Holder holder_of(const Object& object) { return {keys::HolderKind::object, object.order}; }

/// Removes the object from its key: record, holders and usage.
Result<> remove_current(Context& context, BucketId bucket, std::string_view key, const Object& object) {
  TRY(release(context, holder_of(object), object.slices));
  context.state.erase(Family::current, keys::object(bucket, key));
  return change_usage(context, bucket, {.objects = -1, .bytes = -static_cast<std::int64_t>(object.size_bytes)});
}

}  // namespace

Result<> check_conditions(const Conditions& conditions, const Object* current) {
  if (!conditions.if_match.empty()) {
    if (current == nullptr) return Errc::no_such_key;
    if (!matches(conditions.if_match, current->etag)) return Errc::precondition_failed;
  }
  if (!conditions.if_none_match.empty() && current != nullptr && matches(conditions.if_none_match, current->etag)) {
    return Errc::precondition_failed;
  }
  return {};
}

Result<std::optional<Object>> load_object(const Context& context, BucketId bucket, std::string_view key) {
  const std::string row = keys::object(bucket, key);
  std::string value;
  TRY_LET(const bool found, context.state.get(Family::current, row, value));
  if (!found) return std::optional<Object>();
  TRY_LET(Object object, decode_record(Family::current, row, value));
  return std::optional<Object>(std::move(object));
}

Result<> put_current(Context& context, BucketId bucket, std::string_view key, const Object& object,
                     const std::optional<Object>& replaced) {
  TRY(hold(context, holder_of(object), object.slices));
  UsageChange change{.objects = 1, .bytes = static_cast<std::int64_t>(object.size_bytes)};
  if (replaced) {
    TRY(release(context, holder_of(*replaced), replaced->slices));
    change.objects -= 1;
    change.bytes -= static_cast<std::int64_t>(replaced->size_bytes);
  }
  const std::string row = keys::object(bucket, key);
  context.state.put(Family::current, row, encode_record(Family::current, row, object));
  return change_usage(context, bucket, change);
}

Answer apply(Context& context, PutObject&& put) {
  TRY(expect_bucket(context, put.bucket));
  TRY_LET(const std::optional<Object> current, load_object(context, put.bucket, put.key));
  TRY(check_conditions(put.conditions, current ? &*current : nullptr));
  TRY(check_form(put));
  TRY_LET(std::vector<Slice> slices, take_body(context, std::move(put.body), put.size_bytes));
  const Object object{.order = context.order,
                      .size_bytes = put.size_bytes,
                      .modified_ms = context.now_ms,
                      .etag = std::move(put.etag),
                      .checksum = std::move(put.checksum),
                      .attributes = std::move(put.attributes),
                      .parts = std::move(put.parts),
                      .slices = std::move(slices)};
  TRY(put_current(context, put.bucket, put.key, object, current));
  return AnswerValue(Committed{object.order, object.modified_ms, object.etag});
}

/// Slices that one deletion lets go before it leaves the other keys to the next: two objects of the most parts.
constexpr std::size_t kReleasedSlicesMax = 20'000;

/// Answers for the first keys only when they had so much to let go that the rest would make too large a batch.
Answer apply(Context& context, DeleteObjects&& remove) {
  TRY(expect_bucket(context, remove.bucket));
  std::vector<Deleted> all;
  all.reserve(remove.keys.size());
  std::size_t released = 0;
  for (const DeleteObject& wanted : remove.keys) {
    if (released >= kReleasedSlicesMax) break;
    TRY_LET(const std::optional<Object> current, load_object(context, remove.bucket, wanted.key));
    Deleted& deleted = all.emplace_back();
    const Result<> allowed = check_conditions({.if_match = wanted.conditions.if_match}, current ? &*current : nullptr);
    deleted.failure = allowed.code();
    if (!allowed || !current) continue;
    deleted.existed = true;
    released += current->slices.size();
    TRY(remove_current(context, remove.bucket, wanted.key, *current));
  }
  return AnswerValue(std::move(all));
}

Answer apply(Context& context, RenameObject&& rename) {
  TRY(expect_bucket(context, rename.bucket));
  if (rename.source_key == rename.key) return error(Errc::invalid_request, "an object renamed to itself");
  TRY_LET(const std::optional<Object> source, load_object(context, rename.bucket, rename.source_key));
  if (!source) return error(Errc::no_such_key);
  TRY(check_conditions(rename.source_conditions, &*source));
  TRY_LET(const std::optional<Object> current, load_object(context, rename.bucket, rename.key));
  TRY(check_conditions(rename.conditions, current ? &*current : nullptr));
  Object object = *source;
  object.order = context.order;
  TRY(put_current(context, rename.bucket, rename.key, object, current));
  TRY(remove_current(context, rename.bucket, rename.source_key, *source));
  return AnswerValue(Committed{object.order, object.modified_ms, object.etag});
}

Answer apply(Context& context, PutTags&& tags) {
  TRY(expect_bucket(context, tags.bucket));
  TRY_LET(std::optional<Object> object, load_object(context, tags.bucket, tags.key));
  if (!object) return error(Errc::no_such_key);
  object->attributes.tags = std::move(tags.tags);
  const std::string row = keys::object(tags.bucket, tags.key);
  context.state.put(Family::current, row, encode_record(Family::current, row, *object));
  return AnswerValue(Unit{});
}

}  // namespace firn::metadata
