#include "apply/context.h"
#include "apply/extents.h"

namespace firn::metadata {

namespace {

/// Whoever drops them has told the drives that were in by this map. Those that come in by a later one are swept, and
/// the sweep passes over what still waits to be dropped.
Result<> check_map(const Context& context, std::uint64_t expected) {
  if (expected == 0) return {};
  TRY_LET(const auto map, load<MapRecord>(context.state, Family::config, keys::cluster_map()));
  const std::uint64_t recorded = map ? map->version : 0;
  if (recorded == expected) return {};
  return error(Errc::conditional_request_conflict,
               "map version " + std::to_string(recorded) + " in place of " + std::to_string(expected));
}

}  // namespace

Answer apply(Context& context, DropFreed&& drop) {
  TRY(check_map(context, drop.map_version));
  bool first_went = false;
  for (const std::uint64_t sequence : drop.sequences) {
    const std::string key = keys::freed(sequence);
    TRY_LET(const auto freed, load<FreedExtent>(context.state, Family::freed, key));
    if (!freed) continue;
    context.state.erase(Family::freed, key);
    context.state.erase(Family::extents, keys::freed_extent(freed->extent));
    first_went |= sequence == context.progress.first_freed;
  }
  if (!first_went) return AnswerValue(Unit{});
  const auto cursor = context.state.scan(Family::freed, keys::freed(context.progress.first_freed), {});
  std::uint64_t first = context.progress.next_freed;
  if (cursor->valid() && !keys::parse_freed(cursor->key(), first)) {
    return corrupt_row(Family::freed, cursor->key(), "key");
  }
  TRY(cursor->status());
  context.progress.first_freed = first;
  return AnswerValue(Unit{});
}

Answer apply(Context& context, MarkMissing&& mark) {
  for (const DegradedExtent& extent : mark.extents) TRY(add_missing(context, extent.extent, extent.missing));
  return AnswerValue(Unit{});
}

Answer apply(Context& context, MarkGood&& mark) {
  for (const GoodShards& good : mark.extents) TRY(take_missing(context, good));
  return AnswerValue(Unit{});
}

}  // namespace firn::metadata
