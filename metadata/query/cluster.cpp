#include <algorithm>
#include <set>

#include "apply/context.h"
#include "apply/extents.h"
#include "query/query.h"

namespace firn::metadata::query {
namespace {

/// The sets that have a shard on a drive that is out.
std::set<SetId> sets_short_of_a_drive(const MapRecord& map) {
  std::set<DriveIndex> out;
  for (const DriveRecord& drive : map.drives) {
    if (drive.out) out.insert(drive.index);
  }
  std::set<SetId> sets;
  for (const SetRecord& set : map.sets) {
    const bool member_out = std::ranges::any_of(set.members, [&](DriveIndex member) { return out.contains(member); });
    const bool source_out =
        std::ranges::any_of(set.moves, [&](const MoveRecord& move) { return !move.done && out.contains(move.from); });
    if (member_out || source_out) sets.insert(set.id);
  }
  return sets;
}

}  // namespace

Result<BucketUsage> usage(const Reader& state, BucketId bucket) {
  TRY_LET(const auto usage, load<BucketUsage>(state, Family::buckets, keys::bucket_usage(bucket)));
  if (!usage) return Errc::no_such_bucket;
  return *usage;
}

Result<std::vector<Bucket>> all_buckets(const Reader& state) {
  std::vector<Bucket> buckets;
  const std::string prefix = keys::buckets_by_name_prefix();
  const auto cursor = state.scan(Family::buckets, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    TRY_LET(Bucket bucket, unseal_row<Bucket>(Family::buckets, cursor->key(), cursor->value()));
    buckets.push_back(std::move(bucket));
  }
  TRY(cursor->status());
  return buckets;
}

Result<std::vector<BucketId>> deleted_buckets(const Reader& state) {
  std::vector<BucketId> buckets;
  const std::string prefix = keys::deleted_buckets_prefix();
  const auto cursor = state.scan(Family::buckets, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    BucketId& bucket = buckets.emplace_back();
    if (!keys::parse_deleted_bucket(cursor->key(), bucket)) return corrupt_row(Family::buckets, cursor->key(), "key");
  }
  TRY(cursor->status());
  return buckets;
}

Result<MapRecord> cluster_map(const Reader& state) {
  TRY_LET(auto map, load<MapRecord>(state, Family::config, keys::cluster_map()));
  if (!map) return Errc::not_found;
  return std::move(*map);
}

Result<std::string> find_config(const Reader& state, std::string_view name) {
  TRY_LET(auto value, get_row(state, Family::config, keys::config(name)));
  if (!value) return Errc::not_found;
  return std::move(*value);
}

Result<std::vector<FreedExtent>> list_freed(const Reader& state, std::size_t limit) {
  std::vector<FreedExtent> freed;
  TRY_LET(const Progress progress, load_progress(state));
  const auto cursor = state.scan(Family::freed, keys::freed(progress.first_freed), {});
  for (; cursor->valid() && freed.size() < limit; cursor->next()) {
    TRY_LET(FreedExtent extent, unseal_row<FreedExtent>(Family::freed, cursor->key(), cursor->value()));
    if (!keys::parse_freed(cursor->key(), extent.sequence)) return corrupt_row(Family::freed, cursor->key(), "key");
    freed.push_back(extent);
  }
  TRY(cursor->status());
  return freed;
}

Result<std::vector<bool>> needed(const Reader& state, const std::vector<ExtentId>& extents) {
  TRY_LET(const Progress progress, load_progress(state));
  std::vector<bool> answer;
  answer.reserve(extents.size());
  std::string ignored;
  for (const ExtentId& extent : extents) {
    // A lease that was never granted is not ours to judge.
    bool wanted = extent.lease.value >= progress.next_lease;
    if (!wanted) {
      TRY_LET(wanted, state.get(Family::config, keys::lease(extent.lease), ignored));
    }
    if (!wanted) {
      TRY_LET(wanted, state.get(Family::extents, keys::freed_extent(extent), ignored));
    }
    if (!wanted) {
      TRY_LET(const std::optional<HolderRow> held, find_held(state, extent));
      wanted = held.has_value();
    }
    answer.push_back(wanted);
  }
  return answer;
}

Result<std::vector<DegradedExtent>> list_degraded(const Reader& state, ExtentId after, std::size_t limit) {
  std::vector<DegradedExtent> extents;
  const auto cursor =
      state.scan(Family::degraded, keys::degraded_extent(after) + '\0', end_of_prefix(keys::degraded_extents_prefix()));
  for (; cursor->valid() && extents.size() < limit; cursor->next()) {
    TRY_LET(DegradedExtent extent, unseal_row<DegradedExtent>(Family::degraded, cursor->key(), cursor->value()));
    if (!keys::parse_degraded_extent(cursor->key(), extent.extent)) {
      return corrupt_row(Family::degraded, cursor->key(), "key");
    }
    extents.push_back(extent);
  }
  TRY(cursor->status());
  return extents;
}

Result<std::vector<DegradedExtent>> list_extents(const Reader& state, const ExtentsQuery& query) {
  std::vector<DegradedExtent> extents;
  const auto cursor = state.scan(Family::extents, keys::extent_of_set(query.set, query.after) + '\0',
                                 end_of_prefix(keys::extents_of_set_prefix(query.set)));
  for (; cursor->valid() && extents.size() < query.limit; cursor->next()) {
    DegradedExtent& extent = extents.emplace_back();
    if (!keys::parse_extent_of_set(cursor->key(), extent.set, extent.extent)) {
      return corrupt_row(Family::extents, cursor->key(), "key");
    }
    TRY_LET(extent.extent_bytes, unseal_row<std::uint64_t>(Family::extents, cursor->key(), cursor->value()));
    TRY_LET(const auto degraded, load<DegradedExtent>(state, Family::degraded, keys::degraded_extent(extent.extent)));
    if (degraded) extent.missing = degraded->missing;
  }
  TRY(cursor->status());
  return extents;
}

Result<std::uint64_t> count_below_full_redundancy(const Reader& state) {
  TRY_LET(const auto map, load<MapRecord>(state, Family::config, keys::cluster_map()));
  const std::set<SetId> short_sets = sets_short_of_a_drive(map.value_or(MapRecord{}));
  std::uint64_t count = 0;
  const std::string prefix = keys::objects_in_sets_prefix();
  const auto cursor = state.scan(Family::config, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    TRY_LET(const SetsCount objects, unseal_row<SetsCount>(Family::config, cursor->key(), cursor->value()));
    const std::vector<SetId> sets = decode_sets(cursor->key().substr(prefix.size()));
    const bool short_of_a_drive = std::ranges::any_of(sets, [&](SetId set) { return short_sets.contains(set); });
    count += short_of_a_drive ? objects.objects : objects.degraded;
  }
  TRY(cursor->status());
  return count;
}

}  // namespace firn::metadata::query
