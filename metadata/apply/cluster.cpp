#include <algorithm>

#include "apply/context.h"

namespace firn::metadata {
namespace {

/// One being used, one or two draining; more means that a gateway does not close what it leaves.
constexpr std::size_t kLeasesPerGatewayMax = 64;
/// A commit comes minutes after its first shard at most, and a set's members change by hand or by a drive's failure.
constexpr std::size_t kEpochsKept = 16;

Result<std::vector<LeaseId>> leases_of(const Context& context, const Uuid& gateway) {
  std::vector<LeaseId> leases;
  const std::string prefix = keys::leases_of_gateway_prefix(gateway);
  const auto cursor = context.state.scan(Family::config, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    LeaseId& lease = leases.emplace_back();
    if (!keys::parse_lease_of_gateway(cursor->key(), lease)) return corrupt_row(Family::config, cursor->key(), "key");
  }
  TRY(cursor->status());
  return leases;
}

void close_lease(Context& context, const Uuid& gateway, LeaseId lease) {
  context.state.erase(Family::config, keys::lease(lease));
  context.state.erase(Family::config, keys::lease_of_gateway(gateway, lease));
}

LeaseId grant_lease(Context& context, const Uuid& gateway) {
  const LeaseId lease{context.progress.next_lease++};
  store(context.state, Family::config, keys::lease(lease), gateway);
  put_row(context.state, Family::config, keys::lease_of_gateway(gateway, lease), {});
  return lease;
}

const SetRecord* find(const MapRecord& map, SetId id) {
  const auto found = std::ranges::find(map.sets, id, &SetRecord::id);
  return found == map.sets.end() ? nullptr : &*found;
}

/// That a set's epoch never falls, and that it rises when other drives hold its shards.
Result<> check_set(const MapRecord& before, const MapRecord& after, const SetRecord& set) {
  const auto invalid = [&](std::string_view why) {
    return error(Errc::invalid_argument, "set " + std::to_string(set.id.value) + ": " + std::string(why));
  };
  const std::optional<SetHistory> holders = holders_of(after, set);
  if (!holders) return invalid("a member that is no drive");
  if (set.members.size() != std::size_t{set.data_shards} + set.parity_shards) return invalid("members are not k + m");
  for (const MoveRecord& move : set.moves) {
    if (move.shard >= set.members.size()) return invalid("a move of a shard it has not");
    const bool known = std::ranges::find(after.drives, move.from, &DriveRecord::index) != after.drives.end();
    if (!move.done && !known) return invalid("a move from what is no drive");
  }
  const SetRecord* const old = find(before, set.id);
  if (old == nullptr) return {};
  if (set.epoch < old->epoch) return invalid("its epoch falls");
  const std::optional<SetHistory> old_holders = holders_of(before, *old);
  const bool moved = !old_holders || old_holders->members != holders->members;
  return moved && set.epoch == old->epoch ? Result<>(invalid("its drives change without a new epoch")) : Result<>();
}

/// Records who holds the set's shards under its epoch, and forgets epochs long gone.
Result<> remember_epoch(Context& context, const MapRecord& map, const SetRecord& set) {
  const std::string prefix = keys::set_history_prefix(set.id);
  store(context.state, Family::config, keys::set_history(set.id, set.epoch), *holders_of(map, set));
  std::vector<std::string> kept;
  const auto cursor = context.state.scan(Family::config, prefix, end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) kept.emplace_back(cursor->key());
  TRY(cursor->status());
  for (std::size_t i = 0; i + kEpochsKept < kept.size(); ++i) context.state.erase(Family::config, kept[i]);
  return {};
}

}  // namespace

Answer apply(Context& context, RegisterGateway&& gateway) {
  TRY_LET(const std::vector<LeaseId> open, leases_of(context, gateway.gateway));
  for (const LeaseId lease : open) close_lease(context, gateway.gateway, lease);
  return AnswerValue(grant_lease(context, gateway.gateway));
}

Answer apply(Context& context, RotateLease&& rotate) {
  TRY_LET(const std::vector<LeaseId> open, leases_of(context, rotate.gateway));
  // A gateway whose next incarnation has registered holds nothing any more, and gets nothing.
  if (open.empty()) return error(Errc::stale_lease, "gateway " + to_string(rotate.gateway) + " holds no lease");
  std::size_t left = open.size();
  if (rotate.closing.value != 0) {
    if (std::ranges::find(open, rotate.closing) == open.end()) {
      return error(Errc::stale_lease, "lease " + std::to_string(rotate.closing.value) + " is not open");
    }
    close_lease(context, rotate.gateway, rotate.closing);
    --left;
  }
  if (left >= kLeasesPerGatewayMax) return error(Errc::slow_down, "too many open leases");
  return AnswerValue(grant_lease(context, rotate.gateway));
}

Answer apply(Context& context, PutClusterMap&& put) {
  const std::string key = keys::cluster_map();
  TRY_LET(const auto found, load<MapRecord>(context.state, Family::config, key));
  const MapRecord before = found.value_or(MapRecord{});
  if (put.map.version != before.version + 1) {
    return error(Errc::conditional_request_conflict,
                 "map version " + std::to_string(put.map.version) + " after " + std::to_string(before.version));
  }
  for (const SetRecord& set : put.map.sets) TRY(check_set(before, put.map, set));
  for (const SetRecord& old : before.sets) {
    // Slices name sets for ever.
    if (find(put.map, old.id) == nullptr) return error(Errc::invalid_argument, "a set is gone from the map");
  }
  for (const SetRecord& set : put.map.sets) TRY(remember_epoch(context, put.map, set));
  store(context.state, Family::config, key, put.map);
  context.sets = Sets(put.map);
  context.outcome.map = std::move(put.map);
  return AnswerValue(Unit{});
}

Answer apply(Context& context, PutConfig&& put) {
  const std::string key = keys::config(put.name);
  if (put.value.empty()) {
    context.state.erase(Family::config, key);
  } else {
    put_row(context.state, Family::config, key, put.value);
  }
  return AnswerValue(Unit{});
}

}  // namespace firn::metadata
