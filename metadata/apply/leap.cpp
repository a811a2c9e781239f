#include "apply/leap.h"

#include <algorithm>

#include "apply/sets.h"
#include "rows/bytes.h"
#include "rows/keys.h"
#include "rows/seal.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

/// Numbers that drives remember must not be given out twice either when one state leaps again and again, so they
/// follow the time: leases in steps that no gateway uses up in a millisecond, epochs in seconds.
constexpr unsigned kLeasesPerMillisecondBits = 20;
constexpr std::uint32_t kEpochLeap = 1U << 16;
constexpr UnixMs kMillisecondsPerSecond = 1'000;

/// Drives may hold epochs that were recorded in the time that is lost, and refuse what is older.
Result<> leap_epochs(KeyValues& state, UnixMs now) {
  TRY_LET(auto map, load<MapRecord>(state, Family::config, keys::cluster_map()));
  if (!map) return {};
  map->version = std::max(map->version + kLeap, static_cast<std::uint64_t>(now));
  for (SetRecord& set : map->sets) {
    set.epoch.value = std::max(set.epoch.value + kEpochLeap, static_cast<std::uint32_t>(now / kMillisecondsPerSecond));
    const auto holders = holders_of(*map, set);
    if (!holders) return corrupt_row(Family::config, keys::cluster_map(), "a set with a member that is no drive");
    store(state, Family::config, keys::set_history(set.id, set.epoch), *holders);
  }
  store(state, Family::config, keys::cluster_map(), *map);
  return {};
}

Result<> close_leases(KeyValues& state) {
  std::vector<std::string> open;
  for (const std::string& prefix : {keys::leases_prefix(), keys::leases_of_all_gateways_prefix()}) {
    const auto cursor = state.scan(Family::config, prefix, end_of_prefix(prefix));
    for (; cursor->valid(); cursor->next()) open.emplace_back(cursor->key());
    TRY(cursor->status());
  }
  for (const std::string& key : open) state.erase(Family::config, key);
  return {};
}

}  // namespace

Result<> leap(KeyValues& state, Progress& progress, UnixMs now) {
  ++progress.shard_epoch;
  progress.next_bucket += kLeap;
  progress.next_lease =
      std::max(progress.next_lease + kLeap, static_cast<std::uint64_t>(now) << kLeasesPerMillisecondBits);
  progress.next_freed += kLeap;
  TRY(close_leases(state));
  return leap_epochs(state, now);
}

std::string encode_leap(UnixMs now) {
  std::string payload;
  append_little(payload, now);
  return payload;
}

Result<UnixMs> decode_leap(std::string_view payload) {
  ByteReader in(payload);
  const auto now = in.little<UnixMs>();
  if (!in.done() || now < 0) return error(Errc::corrupt, "a leap without its time");
  return now;
}

}  // namespace firn::metadata
