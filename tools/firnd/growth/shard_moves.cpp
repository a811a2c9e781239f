#include "growth/shard_moves.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "firn/base/log.h"
#include "owed_shards.h"

namespace firn::server {
namespace {

bool receives(const metadata::MapRecord& map, DriveIndex drive) {
  return std::ranges::any_of(map.sets, [drive](const metadata::SetRecord& set) {
    return std::ranges::any_of(
        set.moves, [&](const metadata::MoveRecord& move) { return !move.done && set.members[move.shard] == drive; });
  });
}

}  // namespace

std::string receiving_entry(DriveIndex drive) { return "receiving/" + std::to_string(drive.value); }

boost::asio::awaitable<void> ShardMoves::look() {
  auto done = co_await recall_receivers();
  if (done) done = co_await move_shards();
  if (!done) log::warn("moving shards: {} {}", to_string(done.error().code), done.error().detail);
  done = co_await sweep_receivers();
  if (!done) log::warn("after moving shards: {} {}", to_string(done.error().code), done.error().detail);
}

/// What the leader before has noted.
Task<> ShardMoves::recall_receivers() {
  if (receiving_known_) co_return Unit{};
  receiving_.clear();
  const auto drives = parts_.keeper.current().drives;
  for (const auto& drive : drives) {
    const auto entry = co_await parts_.metadata.find_config(receiving_entry(drive.index));
    if (entry) receiving_.insert(drive.index);
    if (!entry && entry.code() != Errc::not_found) co_return entry.error();
  }
  receiving_known_ = true;
  co_return Unit{};
}

Task<> ShardMoves::move_shards() {
  const auto& map = parts_.keeper.current();
  if (map.version == level_version_ || giving_up_) co_return Unit{};
  const auto version = map.version;
  const auto step = next_growth_step(map);
  if (step.begin.empty() && step.give_up.empty() && step.add_sets == 0) level_version_ = version;
  if (!step.give_up.empty() && gate_.enter()) {
    giving_up_ = true;
    boost::asio::co_spawn(parts_.runtime.io(0), give_up(step.give_up),
                          boost::asio::detached);  // stop() waits at the gate.
  }
  if (step.begin.empty() && step.add_sets == 0) co_return Unit{};
  CO_TRY(co_await note_receivers(step.begin));
  co_return co_await parts_.keeper.change([&](MapChange& change) {
    if (parts_.keeper.current().version != version) return;  // Planned for another map.
    for (const auto& move : step.begin) change.begin_move(move.set, move.shard, move.to);
    change.add_sets(step.add_sets);
  });
}

/// Before the first record can come, so that no leader forgets it.
Task<> ShardMoves::note_receivers(const std::vector<PlannedMove>& moves) {
  for (const auto& move : moves) {
    if (receiving_.contains(move.to)) continue;
    CO_TRY(co_await parts_.metadata.put_config(receiving_entry(move.to), "1"));
    receiving_.insert(move.to);
  }
  co_return Unit{};
}

boost::asio::awaitable<void> ShardMoves::give_up(std::vector<PlannedMove> moves) {
  const Gate::Pass pass(gate_);
  for (const auto& move : moves) {
    const auto done = co_await give_up(move);
    if (done) continue;
    log::warn("a shard of a drive that is gone could not be given another: {}", done.error().detail);
    break;
  }
  giving_up_ = false;
  if (auto* maintenance = parts_.maintenance()) {
    for (const auto& move : moves) maintenance->drive_returned(move.to);  // There is something to repair.
  }
}

/// A shard whose drive is out and is to leave: from now on no commit counts on what that drive holds; then all that it
/// should hold is put on the list of what is missing; then the place is another drive's alone, and repair fills it.
Task<> ShardMoves::give_up(const PlannedMove& move) {
  CO_TRY(co_await parts_.keeper.change(
      [&move](MapChange& change) { change.begin_give_up(move.set, move.shard, move.to); }));
  CO_TRY(co_await record_owed_shard(parts_.metadata, move.set, move.shard));
  co_return co_await parts_.keeper.change(
      [&move](MapChange& change) { change.end_give_up(move.set, move.shard, move.to); });
}

/// An extent freed while it was copied may have come to its drive after the drive was told to forget it.
Task<> ShardMoves::sweep_receivers() {
  const auto receivers = receiving_;
  for (const auto drive : receivers) {
    const auto& map = parts_.keeper.current();
    if (receives(map, drive)) continue;
    if (find_drive(map, drive) == nullptr) {
      receiving_.erase(drive);  // Retired.
      continue;
    }
    if (is_in(map, drive)) CO_TRY(co_await sweep_receiver(drive));
  }
  co_return Unit{};
}

Task<> ShardMoves::sweep_receiver(DriveIndex drive) {
  auto* maintenance = parts_.maintenance();
  if (maintenance == nullptr) co_return error(Errc::cancelled, "this node leads no longer");
  CO_TRY(co_await maintenance->drive_returning(drive));  // Recorded when it returns.
  maintenance->drive_returned(drive);
  CO_TRY(co_await parts_.metadata.put_config(receiving_entry(drive), {}));
  receiving_.erase(drive);
  co_return Unit{};
}

}  // namespace firn::server
