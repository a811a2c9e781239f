#include <algorithm>

#include "apply/extents.h"

namespace firn::metadata {
namespace {

Error invalid(std::string why) { return error(Errc::invalid_argument, std::move(why)); }

Result<bool> has_row(const Reader& state, Family family, const std::string& key) {
  std::string ignored;
  return state.get(family, key, ignored);
}

/// The shards of `extent` that no drive of today holds: those the writer left out, and those whose drive was replaced
/// since the epoch it was written under. Errc::stale_epoch when that epoch is not known any more.
Result<std::uint32_t> missing_today(const Context& context, const NewExtent& extent) {
  const Sets::Now* const now = context.sets.find(extent.set);
  const auto stale = [&] {
    return error(Errc::stale_epoch, "extent " + to_string(extent.extent) + " was written under epoch " +
                                        std::to_string(extent.epoch.value) + " of set " +
                                        std::to_string(extent.set.value));
  };
  if (now == nullptr || extent.epoch > now->epoch) return stale();
  if (extent.epoch == now->epoch) return extent.missing;
  TRY_LET(const auto then,
          load<SetHistory>(context.state, Family::config, keys::set_history(extent.set, extent.epoch)));
  if (!then) return stale();
  std::uint32_t missing = extent.missing;
  for (std::size_t shard = 0; shard < then->members.size(); ++shard) {
    if (!now->still_has(shard, then->members[shard])) missing |= std::uint32_t{1} << shard;
  }
  return missing;
}

/// Whether the extent is a new one; then it is registered. False when it has a holder already: a commit tried twice.
Result<bool> register_extent(Context& context, const NewExtent& extent) {
  if (extent.extent.lease.value == 0 || extent.extent_bytes == 0) return invalid("an extent without lease or length");
  const std::string key = keys::extent_of_set(extent.set, extent.extent);
  TRY_LET(const bool held, has_row(context.state, Family::extents, key));
  if (held) return false;
  TRY_LET(const bool freed, has_row(context.state, Family::extents, keys::freed_extent(extent.extent)));
  if (freed) return error(Errc::source_changed, "extent " + to_string(extent.extent) + " has been freed");
  TRY_LET(const bool open, has_row(context.state, Family::config, keys::lease(extent.extent.lease)));
  if (!open) return error(Errc::stale_lease, "extent " + to_string(extent.extent));
  TRY_LET(const std::uint32_t missing, missing_today(context, extent));
  store(context.state, Family::extents, key, extent.extent_bytes);
  if (missing != 0) {
    store(context.state, Family::degraded, keys::degraded_extent(extent.extent),
          DegradedExtent{.set = extent.set, .extent_bytes = extent.extent_bytes, .missing = missing});
  }
  return true;
}

/// That the slice lies within an extent that has a holder.
Result<> expect_source(const Context& context, const Slice& slice) {
  const Error gone = error(Errc::source_changed, "extent " + to_string(slice.extent) + " has no holder");
  if (slice.is_inline()) {
    if (slice.set.value != 0) return invalid("an inline body in a set");
    TRY_LET(const std::optional<HolderRow> held, find_held(context.state, slice.extent));
    if (!held) return gone;
    return held->extent_bytes == slice.extent_bytes ? Result<>() : invalid("a slice of an extent of another length");
  }
  TRY_LET(const auto extent_bytes,
          load<std::uint64_t>(context.state, Family::extents, keys::extent_of_set(slice.set, slice.extent)));
  if (!extent_bytes) return gone;
  return *extent_bytes == slice.extent_bytes ? Result<>() : invalid("a slice of an extent of another length");
}

Result<std::vector<Slice>> store_inline(Context& context, const std::string& bytes) {
  if (bytes.size() > kInlineBytesMax) return invalid("an inline body above the limit");
  // One command stores at most one body, so its log index is a name no other has.
  const std::uint64_t counter = context.order.log_index;
  put_row(context.state, Family::inline_bodies, keys::inline_body(counter), bytes);
  return std::vector<Slice>{{.extent = {LeaseId{0}, counter},
                             .set = SetId{0},
                             .extent_bytes = bytes.size(),
                             .offset = 0,
                             .length = bytes.size()}};
}

/// That slices lie within their extents and add up to the body.
Result<> check_lengths(const std::vector<Slice>& slices, std::uint64_t size_bytes) {
  std::uint64_t total = 0;
  for (const Slice& slice : slices) {
    if (slice.length == 0 || slice.offset > slice.extent_bytes || slice.length > slice.extent_bytes - slice.offset ||
        slice.length > size_bytes - total) {
      return invalid("a slice beyond its extent or body");
    }
    total += slice.length;
  }
  return total == size_bytes ? Result<>() : invalid("slices don't add up to the body");
}

}  // namespace

Result<std::vector<Slice>> take_body(Context& context, BodyRef&& body, std::uint64_t size_bytes) {
  if (body.slices.empty()) {
    if (!body.extents.empty() || body.inline_bytes.size() != size_bytes) return invalid("a body of another length");
    if (size_bytes == 0) return std::vector<Slice>();
    return store_inline(context, body.inline_bytes);
  }
  if (!body.inline_bytes.empty()) return invalid("a body both inline and in slices");
  TRY(check_lengths(body.slices, size_bytes));

  std::vector<NewExtent> fresh = std::move(body.extents);
  const auto id = [](const NewExtent& extent) { return extent.extent; };
  std::ranges::sort(fresh, {}, id);
  if (std::ranges::adjacent_find(fresh, {}, id) != fresh.end()) return invalid("a new extent named twice");
  std::vector<bool> used(fresh.size());
  for (const Slice& slice : body.slices) {
    const auto found = std::ranges::lower_bound(fresh, slice.extent, {}, id);
    if (found == fresh.end() || found->extent != slice.extent) {
      TRY(expect_source(context, slice));
      continue;
    }
    if (found->set != slice.set || found->extent_bytes != slice.extent_bytes) {
      return invalid("a slice that knows its extent otherwise");
    }
    used[static_cast<std::size_t>(found - fresh.begin())] = true;
  }
  if (std::ranges::find(used, false) != used.end()) return invalid("a new extent without a slice");
  for (const NewExtent& extent : fresh) TRY(register_extent(context, extent));
  return std::move(body.slices);
}

}  // namespace firn::metadata
