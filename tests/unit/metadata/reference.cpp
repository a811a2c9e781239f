#include "reference.h"

#include <algorithm>

#include "firn/base/digest.h"

namespace firn::metadata {
namespace {

constexpr std::uint64_t kPartMin = 5 << 20;
constexpr std::size_t kEpochsKept = 16;

std::vector<Uuid> uuids(const MapRecord& map, const SetRecord& set) {
  std::vector<Uuid> all;
  for (const DriveIndex member : set.members) {
    for (const DriveRecord& drive : map.drives) {
      if (drive.index == member) all.push_back(drive.uuid);
    }
  }
  return all;
}

}  // namespace

Reference::Refusal refusal_of(const Conditions& conditions, const Reference::Object_* current) {
  const auto is = [&](const std::string& tag) { return current && (tag == "*" || tag == current->etag); };
  if (!conditions.if_match.empty() && !current) return Errc::no_such_key;
  if (!conditions.if_match.empty() && !is(conditions.if_match)) return Errc::precondition_failed;
  if (!conditions.if_none_match.empty() && is(conditions.if_none_match)) return Errc::precondition_failed;
  return {};
}

Reference::Refusal Reference::apply(std::uint64_t index, const Operation& operation) {
  index_ = index;
  return std::visit([&](const auto& what) { return decide(what); }, operation);
}

Reference::Bucket_* Reference::find(BucketId bucket) {
  for (auto& [name, entry] : buckets) {
    if (entry.id == bucket) return &entry;
  }
  return nullptr;
}

std::vector<const std::vector<Slice>*> Reference::all_slices() const {
  std::vector<const std::vector<Slice>*> all;
  for (const auto& [name, bucket] : buckets) {
    for (const auto& [key, object] : bucket.objects) all.push_back(&object.slices);
    for (const auto& [id, upload] : bucket.uploads) {
      for (const auto& [number, part] : upload.parts) all.push_back(&part.slices);
    }
  }
  return all;
}

bool Reference::held(const ExtentId& extent) const {
  for (const std::vector<Slice>* slices : all_slices()) {
    if (std::ranges::find(*slices, extent, &Slice::extent) != slices->end()) return true;
  }
  return false;
}

bool Reference::needed(const ExtentId& extent) const {
  return extent.lease.value >= next_lease || leases.contains(extent.lease) || freed.contains(extent) || held(extent);
}

std::uint64_t Reference::below_full_redundancy() const {
  std::set<SetId> short_sets;
  for (const SetRecord& set : map.sets) {
    for (const DriveRecord& drive : map.drives) {
      if (drive.out && std::ranges::find(set.members, drive.index) != set.members.end()) short_sets.insert(set.id);
    }
  }
  std::uint64_t count = 0;
  for (const auto& [name, bucket] : buckets) {
    for (const auto& [key, object] : bucket.objects) {
      count += std::ranges::any_of(object.slices, [&](const Slice& slice) {
        return !slice.is_inline() && (missing.contains(slice.extent) || short_sets.contains(slice.set));
      });
    }
  }
  return count;
}

void Reference::settle(const std::vector<Slice>& slices) {
  for (const Slice& slice : slices) {
    if (slice.is_inline() || held(slice.extent)) continue;
    freed.emplace(slice.extent, slice.set);
    missing.erase(slice.extent);
  }
}

Reference::Refusal Reference::admit(const NewExtent& extent, std::uint32_t& missing_shards) const {
  if (held(extent.extent)) return {};
  if (freed.contains(extent.extent)) return Errc::source_changed;
  if (!leases.contains(extent.extent.lease)) return Errc::stale_lease;
  const auto then = history.find({extent.set, extent.epoch});
  const auto set = std::ranges::find(map.sets, extent.set, &SetRecord::id);
  if (set == map.sets.end() || then == history.end()) return Errc::stale_epoch;
  missing_shards = extent.missing;
  const std::vector<Uuid> now = uuids(map, *set);
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i] != then->second[i]) missing_shards |= 1U << i;
  }
  return {};
}

Reference::Refusal Reference::take_body(const BodyRef& body, std::vector<Slice>& slices) {
  if (body.slices.empty()) {
    const std::uint64_t bytes = body.inline_bytes.size();
    if (bytes != 0) slices = {{.extent = {LeaseId{0}, index_}, .extent_bytes = bytes, .length = bytes}};
    return {};
  }
  for (const Slice& slice : body.slices) {
    const bool fresh = std::ranges::find(body.extents, slice.extent, &NewExtent::extent) != body.extents.end();
    if (!fresh && !held(slice.extent)) return Errc::source_changed;
  }
  std::map<ExtentId, std::uint32_t> shards;
  std::vector<NewExtent> in_order = body.extents;
  std::ranges::sort(in_order, {}, &NewExtent::extent);
  for (const NewExtent& extent : in_order) {
    if (const Refusal refusal = admit(extent, shards[extent.extent])) return refusal;
  }
  for (const NewExtent& extent : in_order) {
    if (!held(extent.extent) && shards[extent.extent] != 0) missing[extent.extent] = shards[extent.extent];
    extents.push_back(extent.extent);
  }
  slices = body.slices;
  return {};
}

Reference::Refusal Reference::decide(const CreateBucket& create) {
  if (buckets.contains(create.name)) return Errc::bucket_already_owned_by_you;
  buckets[create.name].id = BucketId{next_bucket++};
  return {};
}

Reference::Refusal Reference::decide(const DeleteBucket& remove) {
  const auto bucket = buckets.find(remove.name);
  if (bucket == buckets.end()) return Errc::no_such_bucket;
  if (!bucket->second.objects.empty()) return Errc::bucket_not_empty;
  // The test sweeps at once.
  std::vector<Slice> gone;
  for (const auto& [id, upload] : bucket->second.uploads) {
    for (const auto& [number, part] : upload.parts) gone.insert(gone.end(), part.slices.begin(), part.slices.end());
  }
  buckets.erase(bucket);
  settle(gone);
  return {};
}

Reference::Refusal Reference::decide(const PutObject& put) {
  Bucket_* const bucket = find(put.bucket);
  if (!bucket) return Errc::no_such_bucket;
  const auto current = bucket->objects.find(put.key);
  const Object_* const old = current == bucket->objects.end() ? nullptr : &current->second;
  if (const Refusal refusal = refusal_of(put.conditions, old)) return refusal;
  Object_ object{.index = index_, .size_bytes = put.size_bytes, .etag = put.etag, .tags = put.attributes.tags};
  if (const Refusal refusal = take_body(put.body, object.slices)) return refusal;
  const std::vector<Slice> gone = old ? old->slices : std::vector<Slice>();
  bucket->objects[put.key] = object;
  settle(gone);
  return {};
}

Reference::Refusal Reference::decide(const DeleteObjects& remove) {
  deletions.clear();
  Bucket_* const bucket = find(remove.bucket);
  if (!bucket) return Errc::no_such_bucket;
  for (const DeleteObject& wanted : remove.keys) {
    const auto current = bucket->objects.find(wanted.key);
    const Object_* const old = current == bucket->objects.end() ? nullptr : &current->second;
    deletions.push_back(refusal_of(wanted.conditions, old));
    if (deletions.back() || !old) continue;
    const std::vector<Slice> gone = old->slices;
    bucket->objects.erase(current);
    settle(gone);
  }
  return {};
}

Reference::Refusal Reference::decide(const RenameObject& rename) {
  Bucket_* const bucket = find(rename.bucket);
  if (!bucket) return Errc::no_such_bucket;
  if (rename.source_key == rename.key) return Errc::invalid_request;
  const auto source = bucket->objects.find(rename.source_key);
  if (source == bucket->objects.end()) return Errc::no_such_key;
  if (const Refusal refusal = refusal_of(rename.source_conditions, &source->second)) return refusal;
  const auto current = bucket->objects.find(rename.key);
  const Object_* const old = current == bucket->objects.end() ? nullptr : &current->second;
  if (const Refusal refusal = refusal_of(rename.conditions, old)) return refusal;
  const std::vector<Slice> gone = old ? old->slices : std::vector<Slice>();
  Object_ object = source->second;
  object.index = index_;
  bucket->objects.erase(source);
  bucket->objects[rename.key] = object;
  settle(gone);
  return {};
}

Reference::Refusal Reference::decide(const PutTags& tags) {
  Bucket_* const bucket = find(tags.bucket);
  if (!bucket) return Errc::no_such_bucket;
  const auto object = bucket->objects.find(tags.key);
  if (object == bucket->objects.end()) return Errc::no_such_key;
  object->second.tags = tags.tags;
  return {};
}

Reference::Refusal Reference::decide(const CreateUpload& create) {
  Bucket_* const bucket = find(create.bucket);
  if (!bucket) return Errc::no_such_bucket;
  bucket->uploads[create.upload.id].key = create.upload.key;
  return {};
}

Reference::Refusal Reference::decide(const PutPart& put) {
  Bucket_* const bucket = find(put.bucket);
  if (!bucket) return Errc::no_such_bucket;
  const auto upload = bucket->uploads.find(put.upload);
  if (upload == bucket->uploads.end() || upload->second.key != put.key) return Errc::no_such_upload;
  Object_ part{.index = index_, .size_bytes = put.part.size_bytes, .etag = put.part.etag};
  if (const Refusal refusal = take_body(put.body, part.slices)) return refusal;
  Object_& place = upload->second.parts[put.part.number];
  const std::vector<Slice> gone = place.slices;
  place = part;
  settle(gone);
  return {};
}

Reference::Refusal Reference::decide(const CompleteUpload& complete) {
  Bucket_* const bucket = find(complete.bucket);
  if (!bucket) return Errc::no_such_bucket;
  const auto upload = bucket->uploads.find(complete.upload);
  if (upload == bucket->uploads.end() || upload->second.key != complete.key) {
    const auto before = completed.find(complete.upload);
    const bool same = before != completed.end() && before->second == std::pair(complete.bucket, complete.key);
    return same ? Refusal() : Refusal(Errc::no_such_upload);
  }
  Object_ object{.index = index_};
  std::string raws;
  std::uint32_t last = 0;
  for (const CompletedPart& named : complete.parts) {
    if (named.number <= last) return Errc::invalid_part_order;
    last = named.number;
  }
  for (const CompletedPart& named : complete.parts) {
    const auto part = upload->second.parts.find(named.number);
    if (part == upload->second.parts.end() || part->second.etag != named.etag) return Errc::invalid_part;
  }
  for (const CompletedPart& named : complete.parts) {
    const Object_& part = upload->second.parts[named.number];
    if (part.size_bytes < kPartMin && &named != &complete.parts.back()) return Errc::entity_too_small;
    object.size_bytes += part.size_bytes;
    object.slices.insert(object.slices.end(), part.slices.begin(), part.slices.end());
    std::string raw;
    from_hex(part.etag, raw);
    raws += raw;
  }
  const auto current = bucket->objects.find(complete.key);
  const Object_* const old = current == bucket->objects.end() ? nullptr : &current->second;
  if (const Refusal refusal = refusal_of(complete.conditions, old)) return refusal;
  object.etag = to_hex(md5(as_bytes(raws))) + "-" + std::to_string(complete.parts.size());
  std::vector<Slice> gone = old ? old->slices : std::vector<Slice>();
  for (const auto& [number, part] : upload->second.parts)
    gone.insert(gone.end(), part.slices.begin(), part.slices.end());
  bucket->uploads.erase(upload);
  bucket->objects[complete.key] = object;
  completed[complete.upload] = {complete.bucket, complete.key};
  settle(gone);
  return {};
}

Reference::Refusal Reference::decide(const AbortUpload& abort) {
  Bucket_* const bucket = find(abort.bucket);
  if (!bucket) return Errc::no_such_bucket;
  const auto upload = bucket->uploads.find(abort.upload);
  if (upload == bucket->uploads.end() || upload->second.key != abort.key) return Errc::no_such_upload;
  std::vector<Slice> gone;
  for (const auto& [number, part] : upload->second.parts)
    gone.insert(gone.end(), part.slices.begin(), part.slices.end());
  bucket->uploads.erase(upload);
  settle(gone);
  return {};
}

Reference::Refusal Reference::decide(const RegisterGateway& gateway) {
  std::erase_if(leases, [&](const auto& lease) { return lease.second == gateway.gateway; });
  leases[LeaseId{next_lease++}] = gateway.gateway;
  return {};
}

Reference::Refusal Reference::decide(const RotateLease& rotate) {
  const auto lease = leases.find(rotate.closing);
  if (lease == leases.end() || lease->second != rotate.gateway) return Errc::stale_lease;
  leases.erase(lease);
  leases[LeaseId{next_lease++}] = rotate.gateway;
  return {};
}

Reference::Refusal Reference::decide(const PutClusterMap& put) {
  if (put.map.version != map.version + 1) return Errc::conditional_request_conflict;
  map = put.map;
  for (const SetRecord& set : map.sets) {
    history[{set.id, set.epoch}] = uuids(map, set);
    std::vector<SetEpoch> epochs;
    for (const auto& [key, members] : history) {
      if (key.first == set.id) epochs.push_back(key.second);
    }
    for (std::size_t i = 0; i + kEpochsKept < epochs.size(); ++i) history.erase({set.id, epochs[i]});
  }
  return {};
}

Reference::Refusal Reference::decide(const DropFreed& drop) {
  if (drop.map_version != 0 && drop.map_version != map.version) return Errc::conditional_request_conflict;
  // The test drops the whole queue.
  if (!drop.sequences.empty()) freed.clear();
  return {};
}

Reference::Refusal Reference::decide(const MarkMissing& mark) {
  for (const DegradedExtent& extent : mark.extents) {
    if (held(extent.extent) && extent.missing != 0) missing[extent.extent] |= extent.missing;
  }
  return {};
}

Reference::Refusal Reference::decide(const MarkGood& mark) {
  for (const GoodShards& good : mark.extents) {
    const bool other = good.epoch.value != 0 && good.epoch != map.sets.at(0).epoch;
    if (other && missing.contains(good.extent)) return Errc::stale_epoch;
  }
  for (const GoodShards& good : mark.extents) {
    const auto row = missing.find(good.extent);
    if (row != missing.end() && (row->second &= ~good.shards) == 0) missing.erase(row);
  }
  return {};
}

}  // namespace firn::metadata
