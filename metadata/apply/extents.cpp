#include "apply/extents.h"

#include <algorithm>
#include <set>

#include "rows/bytes.h"

namespace firn::metadata {
namespace {

/// One slice for each extent, in id order.
std::vector<Slice> distinct_extents(const std::vector<Slice>& slices) {
  std::vector<Slice> distinct = slices;
  const auto by_extent = [](const Slice& a, const Slice& b) { return a.extent < b.extent; };
  const auto same_extent = [](const Slice& a, const Slice& b) { return a.extent == b.extent; };
  std::stable_sort(distinct.begin(), distinct.end(), by_extent);
  distinct.erase(std::unique(distinct.begin(), distinct.end(), same_extent), distinct.end());
  return distinct;
}

std::string sets_of(const std::vector<Slice>& slices) {
  std::vector<SetId> sets;
  for (const Slice& slice : slices) {
    if (!slice.is_inline()) sets.push_back(slice.set);
  }
  return encode_sets(std::move(sets));
}

struct SetsChange {
  std::int64_t objects = 0, degraded = 0;
};

Result<> change_sets(Context& context, const std::string& sets, SetsChange change) {
  const std::string key = keys::objects_in_sets(sets);
  TRY_LET(const auto found, load<SetsCount>(context.state, Family::config, key));
  SetsCount count = found.value_or(SetsCount{});
  count.objects += static_cast<std::uint64_t>(change.objects);
  count.degraded += static_cast<std::uint64_t>(change.degraded);
  if (count.objects == 0) {
    if (count.degraded != 0) return corrupt_row(Family::config, key, "degraded objects where there are none");
    context.state.erase(Family::config, key);
  } else {
    store(context.state, Family::config, key, count);
  }
  return {};
}

/// Adds `change` to the number of degraded extents of an object, and to its sets' count where it becomes or ceases to
/// be degraded.
Result<> change_degraded_object(Context& context, const VersionOrder& order, const std::string& sets,
                                std::int64_t change) {
  const std::string key = keys::degraded_object(order);
  TRY_LET(const auto found, load<std::uint64_t>(context.state, Family::degraded, key));
  const std::uint64_t before = found.value_or(0);
  const std::uint64_t after = before + static_cast<std::uint64_t>(change);
  if (before == after) return {};
  if (after == 0) {
    context.state.erase(Family::degraded, key);
  } else {
    store(context.state, Family::degraded, key, after);
  }
  if (before == 0) return change_sets(context, sets, {.degraded = 1});
  if (after == 0) return change_sets(context, sets, {.degraded = -1});
  return {};
}

/// The extent became or ceased to be degraded: so did, perhaps, every object that holds it.
Result<> change_degraded_holders(Context& context, const ExtentId& extent, std::int64_t change) {
  const std::string prefix = keys::holders_prefix(extent);
  const auto cursor = context.state.scan(Family::extents, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    ExtentId of;
    Holder holder;
    if (!keys::parse_holder(cursor->key(), of, holder.kind, holder.order)) {
      return corrupt_row(Family::extents, cursor->key(), "key");
    }
    if (holder.kind != keys::HolderKind::object) continue;
    TRY_LET(const HolderRow row, unseal_row<HolderRow>(Family::extents, cursor->key(), cursor->value()));
    TRY(change_degraded_object(context, holder.order, row.sets, change));
  }
  return cursor->status();
}

Result<> free_extent(Context& context, const Slice& slice) {
  if (slice.is_inline()) {
    context.state.erase(Family::inline_bodies, keys::inline_body(slice.extent.counter));
    return {};
  }
  context.state.erase(Family::extents, keys::extent_of_set(slice.set, slice.extent));
  context.state.erase(Family::degraded, keys::degraded_extent(slice.extent));
  const std::uint64_t sequence = context.progress.next_freed++;
  store(context.state, Family::extents, keys::freed_extent(slice.extent), sequence);
  store(context.state, Family::freed, keys::freed(sequence),
        FreedExtent{.sequence = sequence,
                    .extent = slice.extent,
                    .set = slice.set,
                    .extent_bytes = slice.extent_bytes,
                    .freed_ms = context.now_ms});
  return {};
}

}  // namespace

Result<std::optional<HolderRow>> find_held(const Reader& state, const ExtentId& extent) {
  const std::string prefix = keys::holders_prefix(extent);
  const auto cursor = state.scan(Family::extents, prefix, end_of_prefix(prefix));
  if (!cursor->valid()) {
    TRY(cursor->status());
    return std::optional<HolderRow>();
  }
  TRY_LET(HolderRow row, unseal_row<HolderRow>(Family::extents, cursor->key(), cursor->value()));
  return std::optional<HolderRow>(std::move(row));
}

Result<> hold(Context& context, const Holder& holder, const std::vector<Slice>& slices) {
  const bool object = holder.kind == keys::HolderKind::object;
  HolderRow row;
  if (object) row.sets = sets_of(slices);
  std::int64_t degraded = 0;
  for (const Slice& slice : distinct_extents(slices)) {
    row.set = slice.set;
    row.extent_bytes = slice.extent_bytes;
    store(context.state, Family::extents, keys::holder(slice.extent, holder.kind, holder.order), row);
    if (!object || slice.is_inline()) continue;
    TRY_LET(const auto missing,
            load<DegradedExtent>(context.state, Family::degraded, keys::degraded_extent(slice.extent)));
    if (missing) ++degraded;
  }
  if (row.sets.empty()) return {};
  TRY(change_sets(context, row.sets, {.objects = 1}));
  return change_degraded_object(context, holder.order, row.sets, degraded);
}

Result<> release(Context& context, const Holder& holder, const std::vector<Slice>& slices) {
  const std::string sets = holder.kind == keys::HolderKind::object ? sets_of(slices) : std::string();
  if (!sets.empty()) {
    TRY_LET(const auto degraded,
            load<std::uint64_t>(context.state, Family::degraded, keys::degraded_object(holder.order)));
    if (degraded) {
      TRY(change_degraded_object(context, holder.order, sets, -static_cast<std::int64_t>(*degraded)));
    }
    TRY(change_sets(context, sets, {.objects = -1}));
  }
  for (const Slice& slice : distinct_extents(slices)) {
    context.state.erase(Family::extents, keys::holder(slice.extent, holder.kind, holder.order));
    TRY_LET(const std::optional<HolderRow> other, find_held(context.state, slice.extent));
    if (!other) TRY(free_extent(context, slice));
  }
  return {};
}

Result<> add_missing(Context& context, const ExtentId& extent, std::uint32_t shards) {
  TRY_LET(const std::optional<HolderRow> held, find_held(context.state, extent));
  if (!held || shards == 0 || extent.lease.value == 0) return {};
  const std::string key = keys::degraded_extent(extent);
  TRY_LET(const auto found, load<DegradedExtent>(context.state, Family::degraded, key));
  DegradedExtent row = found.value_or(DegradedExtent{.set = held->set, .extent_bytes = held->extent_bytes});
  row.missing |= shards;
  store(context.state, Family::degraded, key, row);
  return found ? Result<>() : change_degraded_holders(context, extent, 1);
}

Result<> take_missing(Context& context, const GoodShards& good) {
  const std::string key = keys::degraded_extent(good.extent);
  TRY_LET(auto row, load<DegradedExtent>(context.state, Family::degraded, key));
  if (!row) return {};
  if (good.epoch.value != 0) {
    const Sets::Now* const now = context.sets.find(row->set);
    if (now == nullptr || now->epoch != good.epoch) {
      return error(Errc::stale_epoch, "extent " + to_string(good.extent) + " was looked at under epoch " +
                                          std::to_string(good.epoch.value) + " of set " +
                                          std::to_string(row->set.value));
    }
  }
  row->missing &= ~good.shards;
  if (row->missing != 0) {
    store(context.state, Family::degraded, key, *row);
    return {};
  }
  context.state.erase(Family::degraded, key);
  return change_degraded_holders(context, good.extent, -1);
}

}  // namespace firn::metadata
