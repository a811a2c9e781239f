#include "growth/growth.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "map_change.h"
#include "placement.h"

namespace firn::server {
namespace {

/// Moves that a drive gives to, or takes part in, at once: enough for one walk over it to serve several.
constexpr std::size_t kMovesPerDrive = 4;
/// Far more than begin at once, far fewer than a plan for thousands of drives would have.
constexpr std::size_t kPlanned = 256;

bool takes_part(const metadata::DriveRecord& drive) { return drive.uuid != Uuid{} && (!drive.out || drive.leaving); }

std::vector<BalanceDrive> balance_drives(const metadata::MapRecord& map) {
  std::vector<BalanceDrive> drives;
  for (const auto& drive : map.drives) {
    if (!takes_part(drive)) continue;
    drives.push_back({.index = drive.index, .domain = drive.domain, .leaving = drive.leaving});
  }
  return drives;
}

bool moves(const metadata::SetRecord& set) {
  return std::ranges::any_of(set.moves, [](const auto& move) { return !move.done; });
}

/// Sets formed in need hold less than the others: each kind is shared out by itself.
std::vector<PlannedMove> plan(const metadata::MapRecord& map, bool stopgap, bool leave_busy) {
  std::vector<BalanceSet> sets;
  for (const auto& set : map.sets) {
    if (set.stopgap == stopgap) sets.push_back({set.id, set.members, leave_busy && moves(set)});
  }
  return plan_moves(balance_drives(map), sets, seed_of(map.cluster), kPlanned);
}

class Starter {
 public:
  explicit Starter(const metadata::MapRecord& map) : map_(map) {
    for (const auto& set : map.sets) {
      for (const auto& move : set.moves) {
        if (!move.done) count(move.from, set.members[move.shard]);
      }
    }
  }

  /// Of a plan, what may begin now: one shard of a set at a time, so that it is spread well whichever has moved.
  void add(const std::vector<PlannedMove>& plan, GrowthStep& step) {
    for (const auto& move : plan) {
      if (!touched_.insert(move.set).second) continue;
      const DriveIndex from = find_set(map_, move.set)->members[move.shard];
      if (busy_[from] >= kMovesPerDrive || busy_[move.to] >= kMovesPerDrive) continue;
      if (!is_in(map_, move.to)) continue;
      count(from, move.to);
      (!is_in(map_, from) ? step.give_up : step.begin).push_back(move);
    }
  }

 private:
  void count(DriveIndex from, DriveIndex to) {
    ++busy_[from];
    ++busy_[to];
  }

  const metadata::MapRecord& map_;
  std::map<DriveIndex, std::size_t> busy_;
  std::set<SetId> touched_;
};

/// Moves from or to a drive that is out and is to leave: they can't end.
std::vector<PlannedMove> stuck_moves(const metadata::MapRecord& map) {
  std::vector<PlannedMove> stuck;
  for (const auto& set : map.sets) {
    for (const auto& move : set.moves) {
      if (move.done) continue;
      const DriveIndex to = set.members[move.shard];
      const bool source_gone = !is_in(map, move.from), target_gone = !is_in(map, to);
      if (source_gone == target_gone) continue;
      stuck.push_back({set.id, move.shard, source_gone ? to : move.from});
    }
  }
  return stuck;
}

/// A machine that has just become a node waits for the others: sets on it alone would all have to move.
bool nodes_suffice(const metadata::MapRecord& map) {
  std::set<std::string> staying;
  for (const auto& drive : map.drives) {
    if (!drive.leaving && !drive.out) staying.insert(drive.domain);
  }
  const auto& set = map.sets.front();
  return domains_suffice(staying.size(), {set.data_shards, set.parity_shards});
}

/// A shard that is under way lies where it comes from.
bool lies_on_a_node(const metadata::MapRecord& map, const metadata::SetRecord& set) {
  auto holders = set.members;
  for (const auto& move : set.moves) {
    if (!move.done) holders[move.shard] = move.from;
  }
  std::map<NodeId, std::size_t> shards;
  for (const auto holder : holders) ++shards[owner_of(map, holder)];
  return std::ranges::any_of(shards, [&](const auto& each) { return each.second > set.parity_shards; });
}

}  // namespace

GrowthStep next_growth_step(const metadata::MapRecord& map) {
  GrowthStep step;
  const bool waits = std::ranges::any_of(map.drives, [](const auto& drive) {
    return drive.closing || (drive.out && !drive.leaving && drive.uuid != Uuid{});
  });
  if (waits || map.sets.empty() || !spans_nodes(map)) return step;
  step.give_up = stuck_moves(map);
  Starter starter(map);
  starter.add(plan(map, false, true), step);
  starter.add(plan(map, true, true), step);
  const bool moving = std::ranges::any_of(map.sets, [](const auto& set) { return moves(set); });
  if (moving || !step.begin.empty() || !step.give_up.empty()) return step;
  if (!nodes_suffice(map)) return step;
  const auto staying = static_cast<std::size_t>(
      std::ranges::count_if(map.drives, [](const auto& drive) { return !drive.leaving && !drive.out; }));
  const auto wide =
      static_cast<std::size_t>(std::ranges::count_if(map.sets, [](const auto& set) { return !set.stopgap; }));
  if (wide < sets_for(staying)) step.add_sets = sets_for(staying) - wide;
  return step;
}

GrowthProgress growth_progress(const metadata::MapRecord& map) {
  GrowthProgress progress;
  for (const auto& set : map.sets) {
    for (const auto& move : set.moves) {
      if (move.done) continue;
      ++progress.moving;
      ++progress.to_go[move.from];
      ++progress.to_come[set.members[move.shard]];
    }
  }
  if (map.sets.empty() || !spans_nodes(map)) return progress;
  progress.sets_on_a_node = static_cast<std::size_t>(
      std::ranges::count_if(map.sets, [&map](const auto& set) { return lies_on_a_node(map, set); }));
  for (const bool stopgap : {false, true}) {
    for (const auto& move : plan(map, stopgap, false)) {
      ++progress.waiting;
      ++progress.to_go[find_set(map, move.set)->members[move.shard]];
      ++progress.to_come[move.to];
    }
  }
  return progress;
}

Result<> check_leaving(const metadata::MapRecord& map, const std::vector<DriveIndex>& leaving) {
  if (map.sets.empty()) return {};
  std::set<std::string> domains;
  for (const auto& drive : map.drives) {
    const bool goes = drive.leaving || std::ranges::find(leaving, drive.index) != leaving.end();
    if (!goes && !drive.out) domains.insert(drive.domain);
  }
  const auto& set = map.sets.front();
  const erasure::Shape shape{set.data_shards, set.parity_shards};
  if (domains_suffice(domains.size(), shape)) return {};
  return client_error(Errc::invalid_request,
                      "Only " + std::to_string(domains.size()) + " nodes with drives that are in would be left, too " +
                          "few to bear the loss of one. Add a node first, or wait for those that are away.");
}

}  // namespace firn::server
