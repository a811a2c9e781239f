#include "fake_metadata.h"

#include <algorithm>
#include <cstring>

#include "firn/base/digest.h"

namespace firn::test {

using namespace metadata;  // The fake is the metadata tier: its words are everywhere here.

namespace {

Result<> decide(const Conditions& conditions, const Object* current) {
  if (!conditions.if_match.empty()) {
    if (!current) return Errc::no_such_key;
    if (conditions.if_match != "*" && conditions.if_match != current->etag) return Errc::precondition_failed;
  }
  if (!conditions.if_none_match.empty() && current &&
      (conditions.if_none_match == "*" || conditions.if_none_match == current->etag)) {
    return Errc::precondition_failed;
  }
  return Unit{};
}

SharedBytes shared(std::string_view bytes) {
  Buffer buffer(std::max<std::size_t>(bytes.size(), 1));
  std::memcpy(buffer.data(), bytes.data(), bytes.size());
  auto owner = std::make_shared<const Buffer>(std::move(buffer));
  return {owner, owner->view().first(bytes.size())};
}

}  // namespace

void FakeMetadata::wrote() {
  if (before_write) std::exchange(before_write, nullptr)();
  ++log_index_;
  now_ms += 1'000;
}

const Object* FakeMetadata::find_current(BucketId bucket, const std::string& key) const {
  const auto objects = objects_.find(bucket);
  if (objects == objects_.end()) return nullptr;
  const auto found = objects->second.find(key);
  return found == objects->second.end() ? nullptr : &found->second;
}

bool FakeMetadata::is_held(ExtentId extent) const {
  const auto names = [extent](const Slice& slice) { return slice.extent == extent; };
  for (const auto& [bucket, objects] : objects_) {
    for (const auto& [key, object] : objects) {
      if (std::any_of(object.slices.begin(), object.slices.end(), names)) return true;
    }
  }
  for (const auto& [bucket, keys] : uploads_) {
    for (const auto& [key, uploads] : keys) {
      for (const auto& [id, stored] : uploads) {
        for (const auto& [number, part] : stored.parts) {
          if (std::any_of(part.slices.begin(), part.slices.end(), names)) return true;
        }
      }
    }
  }
  return false;
}

bool FakeMetadata::lease_is_open(LeaseId lease) const { return open_leases_.contains(lease); }

Result<std::vector<Slice>> FakeMetadata::take_body(BodyRef& body) {
  if (body.slices.empty() && !body.inline_bytes.empty()) {
    FIRN_ASSERT(body.inline_bytes.size() <= kInlineBytesMax);
    const ExtentId id{LeaseId{0}, ++last_id_};
    const std::uint64_t size = body.inline_bytes.size();
    inline_bodies_[id.counter] = std::move(body.inline_bytes);
    return std::vector<Slice>{{.extent = id, .extent_bytes = size, .length = size}};
  }
  for (const Slice& slice : body.slices) {
    const bool is_new = std::any_of(body.extents.begin(), body.extents.end(),
                                    [&](const NewExtent& extent) { return extent.extent == slice.extent; });
    if (is_new && !lease_is_open(slice.extent.lease)) return Errc::stale_lease;
    if (!is_new && !is_held(slice.extent)) return Errc::source_changed;
  }
  return std::move(body.slices);
}

Result<Committed> FakeMetadata::install(BucketId bucket, const std::string& key, Object object) {
  object.order = {.shard_epoch = 1, .log_index = log_index_};
  object.modified_ms = now_ms;
  Committed committed{.order = object.order, .modified_ms = now_ms, .etag = object.etag};
  objects_[bucket][key] = std::move(object);
  return committed;
}

void FakeMetadata::put_now(BucketId bucket, const std::string& key, const std::string& inline_bytes) {
  ++log_index_;
  BodyRef body{.inline_bytes = inline_bytes};
  Object object{.size_bytes = inline_bytes.size(), .etag = to_hex(md5(as_bytes(inline_bytes)))};
  object.slices = *take_body(body);
  FIRN_ASSERT(install(bucket, key, std::move(object)).has_value());
}

Task<Bucket> FakeMetadata::create_bucket(std::string name, std::string location) {
  if (buckets_.contains(name)) co_return Errc::bucket_already_owned_by_you;
  wrote();
  Bucket bucket{.id = BucketId{++last_id_}, .name = name, .created_ms = now_ms, .location = std::move(location)};
  buckets_[name] = bucket;
  objects_[bucket.id];
  co_return bucket;
}

Task<Bucket> FakeMetadata::find_bucket(std::string_view name) {
  const auto found = buckets_.find(std::string(name));
  if (found == buckets_.end()) co_return Errc::no_such_bucket;
  co_return found->second;
}

Task<> FakeMetadata::delete_bucket(std::string_view name) {
  const auto found = buckets_.find(std::string(name));
  if (found == buckets_.end()) co_return Errc::no_such_bucket;
  if (!objects_[found->second.id].empty()) co_return Errc::bucket_not_empty;
  wrote();
  objects_.erase(found->second.id);
  buckets_.erase(found);
  co_return Unit{};
}

Task<std::vector<Bucket>> FakeMetadata::list_buckets(std::string start_after, std::string prefix, std::size_t limit) {
  std::vector<Bucket> page;
  for (const auto& [name, bucket] : buckets_) {
    if (name > start_after && name.starts_with(prefix) && page.size() < limit) page.push_back(bucket);
  }
  co_return page;
}

Task<BucketUsage> FakeMetadata::usage(BucketId) { co_return BucketUsage{}; }

Task<FoundObject> FakeMetadata::find_object(BucketId bucket, std::string_view key, bool with_inline_bodies) {
  ++finds;
  const Object* current = find_current(bucket, std::string(key));
  if (!current) co_return Errc::no_such_key;
  FoundObject found{.object = *current};
  for (const Slice& slice : current->slices) {
    if (!slice.is_inline() || !with_inline_bodies) continue;
    found.inline_bodies.push_back(
        shared(std::string_view(inline_bodies_.at(slice.extent.counter)).substr(slice.offset, slice.length)));
  }
  co_return found;
}

Task<Committed> FakeMetadata::put_object(PutObject put) {
  wrote();
  if (write_failure) co_return *std::exchange(write_failure, std::nullopt);
  CO_TRY(decide(put.conditions, find_current(put.bucket, put.key)));
  CO_TRY_LET(auto slices, take_body(put.body));
  Object object{.size_bytes = put.size_bytes,
                .etag = std::move(put.etag),
                .checksum = std::move(put.checksum),
                .attributes = std::move(put.attributes),
                .parts = std::move(put.parts)};
  object.slices = std::move(slices);
  co_return install(put.bucket, put.key, std::move(object));
}

Task<std::vector<Deleted>> FakeMetadata::delete_objects(BucketId bucket, std::vector<DeleteObject> keys) {
  wrote();
  std::vector<Deleted> results;
  for (const DeleteObject& wanted : keys) {
    const Object* current = find_current(bucket, wanted.key);
    Deleted deleted{.existed = current != nullptr};
    if (auto held = decide(wanted.conditions, current); !held) {
      deleted.failure = held.error().code;
    } else if (current) {
      objects_[bucket].erase(wanted.key);
    }
    results.push_back(deleted);
  }
  co_return results;
}

Task<Committed> FakeMetadata::rename_object(RenameObject rename) {
  wrote();
  const Object* source = find_current(rename.bucket, rename.source_key);
  if (!source) co_return Errc::no_such_key;
  CO_TRY(decide(rename.source_conditions, source));
  CO_TRY(decide(rename.conditions, find_current(rename.bucket, rename.key)));
  Object moved = *source;
  objects_[rename.bucket].erase(rename.source_key);
  co_return install(rename.bucket, rename.key, std::move(moved));
}

Task<> FakeMetadata::put_tags(BucketId bucket, std::string key, NameValues tags) {
  wrote();
  if (!find_current(bucket, key)) co_return Errc::no_such_key;
  objects_[bucket][key].attributes.tags = std::move(tags);
  co_return Unit{};
}

Task<ListPage> FakeMetadata::list_objects(ListQuery query) {
  ListPage page;
  std::string last_prefix;
  for (const auto& [key, object] : objects_[query.bucket]) {
    if (!key.starts_with(query.prefix) || key <= query.start_after) continue;
    std::string shown = key;
    const auto cut = query.delimiter.empty() ? std::string::npos : key.find(query.delimiter, query.prefix.size());
    if (cut != std::string::npos) shown = key.substr(0, cut + query.delimiter.size());
    const bool is_prefix = cut != std::string::npos;
    if (is_prefix && (shown == last_prefix || shown <= query.start_after)) continue;
    if (page.entries.size() + page.common_prefixes.size() == query.max_keys) {
      page.truncated = true;
      break;
    }
    page.next = shown;
    if (is_prefix) {
      last_prefix = shown;
      page.common_prefixes.push_back(shown);
    } else {
      page.entries.push_back({.key = key,
                              .size_bytes = object.size_bytes,
                              .modified_ms = object.modified_ms,
                              .etag = object.etag,
                              .storage_class = object.attributes.storage_class,
                              .checksum_algorithm = object.checksum.algorithm,
                              .checksum_type = object.checksum.type});
    }
  }
  co_return page;
}

// Leases, and what no gateway asks for.

Task<LeaseId> FakeMetadata::register_gateway(const Uuid&) {
  open_leases_.clear();
  const LeaseId lease{++last_id_};
  open_leases_.insert(lease);
  co_return lease;
}

Task<LeaseId> FakeMetadata::rotate_lease(const Uuid&, LeaseId closing) {
  if (closing.value != 0) {
    if (open_leases_.erase(closing) == 0) co_return Errc::stale_lease;
    closed_leases.push_back(closing);
  }
  const LeaseId lease{++last_id_};
  open_leases_.insert(lease);
  co_return lease;
}

Task<MapRecord> FakeMetadata::cluster_map() { co_return Errc::not_found; }
Task<> FakeMetadata::put_cluster_map(MapRecord) { co_return Unit{}; }
Task<std::string> FakeMetadata::find_config(std::string_view name) {
  const auto found = config_.find(std::string(name));
  if (found == config_.end()) co_return Errc::not_found;
  co_return found->second;
}
Task<> FakeMetadata::put_config(std::string name, std::string value) {
  config_[name] = std::move(value);
  co_return Unit{};
}
Task<std::vector<FreedExtent>> FakeMetadata::list_freed(std::size_t) { co_return std::vector<FreedExtent>{}; }
Task<> FakeMetadata::drop_freed(std::vector<std::uint64_t>, std::uint64_t) { co_return Unit{}; }
Task<std::vector<bool>> FakeMetadata::needed(std::vector<ExtentId> extents) {
  std::vector<bool> answers;
  for (const ExtentId extent : extents) answers.push_back(is_held(extent) || lease_is_open(extent.lease));
  co_return answers;
}
Task<std::vector<DegradedExtent>> FakeMetadata::list_degraded(ExtentId, std::size_t) {
  co_return std::vector<DegradedExtent>{};
}
Task<> FakeMetadata::mark_missing(std::vector<DegradedExtent>) { co_return Unit{}; }
Task<> FakeMetadata::mark_good(std::vector<GoodShards>) { co_return Unit{}; }
Task<std::vector<DegradedExtent>> FakeMetadata::list_extents(SetId, ExtentId, std::size_t) {
  co_return std::vector<DegradedExtent>{};
}
Task<std::uint64_t> FakeMetadata::count_below_full_redundancy() { co_return std::uint64_t{0}; }

}  // namespace firn::test
