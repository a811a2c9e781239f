// What shards leave behind on the drive they have moved from.
#include <algorithm>

#include "firn/base/log.h"
#include "growth/mover.h"

namespace firn::server {
namespace {

constexpr std::size_t kPage = 1'000;

std::set<std::tuple<SetId, std::uint8_t, DriveIndex>> gone_from(const metadata::MapRecord& map, DriveIndex drive) {
  std::set<std::tuple<SetId, std::uint8_t, DriveIndex>> gone;
  for (const auto& set : map.sets) {
    for (const auto& move : set.moves) {
      if (move.done && move.from == drive) gone.emplace(set.id, move.shard, set.members[move.shard]);
    }
  }
  return gone;
}

std::map<std::pair<SetId, std::uint8_t>, SetEpoch> not_on(const metadata::MapRecord& map, DriveIndex drive) {
  std::map<std::pair<SetId, std::uint8_t>, SetEpoch> left;
  for (const auto& set : map.sets) {
    for (std::uint8_t shard = 0; shard < set.members.size(); ++shard) {
      const bool moves = std::ranges::any_of(set.moves, [&](const metadata::MoveRecord& move) {
        return move.shard == shard && !move.done && move.from == drive;
      });
      if (set.members[shard] != drive && !moves) left.emplace(std::pair(set.id, shard), set.epoch);
    }
  }
  return left;
}

}  // namespace

Task<> Mover::remove_page(DriveIndex drive, const std::vector<volume::RecordInfo>& page, const Left& left) {
  std::map<SetId, std::vector<volume::RecordKey>> keys;
  for (const auto& record : page) {
    const auto found = left.find({record.set, record.key.shard});
    if (found != left.end() && record.set_epoch <= found->second) keys[record.set].push_back(record.key);
  }
  for (auto& [set, records] : keys) {
    // All shards of a set have its epoch here.
    const SetEpoch until = left.lower_bound({set, std::uint8_t{0}})->second;
    CO_TRY(co_await parts_.remove_left(drive, std::move(records), until));
  }
  co_return Unit{};
}

boost::asio::awaitable<void> Mover::remove_leftovers() {
  const auto now = Clock::now();
  const auto drives = parts_.keeper.current().drives;
  for (const auto& record : drives) {
    const auto drive = parts_.own(record.index);
    if (stopping_) co_return;
    if (!drive || record.out) {
      leaving_.erase(record.index);  // Its shards may be given to others meanwhile.
      continue;
    }
    const Gone gone = gone_from(parts_.keeper.current(), record.index);
    Leaving& leaving = leaving_.try_emplace(record.index, Leaving{gone, now + options_.grace, false}).first->second;
    const bool more = !std::ranges::includes(leaving.gone, gone);
    leaving.gone = gone;
    if (more) leaving = {gone, now + options_.grace, false};
    if (leaving.removed || now < leaving.due) continue;
    const auto removed = co_await remove_leftovers_of(*drive);
    if (removed) {
      leaving_[record.index].removed = true;
    } else if (removed.code() != Errc::cancelled) {
      log::warn("drive {}: what has moved away could not be removed: {}", record.index.value + 1,
                removed.error().detail);
    }
  }
}

Task<> Mover::remove_leftovers_of(volume::DriveService& drive) {
  // As recorded now, not as this node may have heard last.
  CO_TRY_LET(const auto map, co_await parts_.metadata.cluster_map());
  const Left left = not_on(map, drive.index());
  volume::RecordKey after;
  for (bool more = !left.empty(); more;) {
    if (stopping_) co_return error(Errc::cancelled, "stopping");
    CO_TRY_LET(const auto page, co_await drive.list(after, kPage));
    CO_TRY(co_await remove_page(drive.index(), page, left));
    if (!page.empty()) after = page.back().key;
    more = page.size() == kPage;
  }
  co_return co_await drive.sync_index();
}

}  // namespace firn::server
