#include "maintenance/reclaimer.h"

#include <algorithm>

#include "firn/base/log.h"

namespace firn::objects {

Reclaimer::Reclaimer(MaintenanceContext context, std::chrono::milliseconds grace)
    : context_(std::move(context)),
      grace_(grace),
      loop_(
          context_.runtime.io(0), [this] { return step(); },
          std::clamp(grace, BackgroundLoop::kPauseMin, BackgroundLoop::kPauseMax)) {}

boost::asio::awaitable<BackgroundLoop::Outcome> Reclaimer::step() {
  bool progressed = false;
  while (!loop_.stopping()) {
    auto reclaimed = co_await reclaim_batch();
    if (!reclaimed) {
      log::warn("reclaim: {} {}", to_string(reclaimed.error().code), reclaimed.error().detail);
      break;
    }
    if (*reclaimed == 0) break;
    progressed = true;
  }
  co_return progressed ? BackgroundLoop::Outcome::progressed : BackgroundLoop::Outcome::idle;
}

std::uint64_t Reclaimer::map_version() const {
  const auto map = context_.volumes.map();
  return map ? map->version : 0;
}

Task<std::size_t> Reclaimer::reclaim_batch() {
  CO_TRY_LET(const auto freed, co_await context_.metadata.list_freed(kBatch));
  const UnixMs due = context_.clock.now_unix_ms() - grace_.count();
  BySet by_set;
  std::vector<std::uint64_t> sequences;
  for (const auto& entry : freed) {
    if (entry.freed_ms > due) break;  // The queue is in the order of freeing.
    by_set[entry.set].push_back(entry.extent);
    sequences.push_back(entry.sequence);
  }
  if (sequences.empty()) co_return std::size_t{0};
  const std::size_t count = sequences.size();
  const std::uint64_t version = map_version();
  CO_TRY(co_await remove(by_set));
  const auto dropped = co_await context_.metadata.drop_freed(std::move(sequences), version);
  // A drive that was out may have come in and been swept while these were still on the list: it is told now.
  if (dropped.code() == Errc::conditional_request_conflict) co_return map_version() == version ? 0 : count;
  CO_TRY(dropped);
  co_return count;
}

Task<> Reclaimer::remove(const BySet& extents) {
  for (const auto& [set, ids] : extents) CO_TRY(co_await context_.volumes.remove(set, ids));
  co_return Unit{};
}

}  // namespace firn::objects
