#include "maintenance/reclaimer.h"

#include "firn/base/log.h"

namespace firn::objects {

Reclaimer::Reclaimer(MaintenanceContext context, Options options)
    : context_(std::move(context)), options_(options), loop_(context_.runtime.io(0), [this] { return step(); }) {}

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

Task<std::size_t> Reclaimer::reclaim_batch() {
  CO_TRY_LET(const auto freed, co_await context_.metadata.list_freed(kBatch));
  const UnixMs due = context_.clock.now_unix_ms() - options_.grace.count();
  std::map<SetId, std::vector<ExtentId>> by_set;
  std::vector<std::uint64_t> sequences;
  for (const auto& entry : freed) {
    if (entry.freed_ms > due) break;  // The queue is in the order of freeing.
    by_set[entry.set].push_back(entry.extent);
    sequences.push_back(entry.sequence);
  }
  if (sequences.empty()) co_return std::size_t{0};
  const std::size_t count = sequences.size();
  for (auto& [set, extents] : by_set) {
    CO_TRY(co_await remove(set, std::move(extents)));
  }
  CO_TRY(co_await context_.metadata.drop_freed(std::move(sequences)));
  co_return count;
}

/// Drives that are out need not be told: what they still hold is found by the orphan sweep when they return.
Task<> Reclaimer::remove(SetId set, std::vector<ExtentId> extents) {
  auto removed = co_await context_.volumes.remove(set, std::move(extents));
  if (removed.code() != Errc::drive_out) co_return removed;
  const auto map = context_.volumes.map();
  const auto* members = map ? map->find_set(set) : nullptr;
  if (members && map->shards_out(*members) != 0) co_return Unit{};
  co_return removed;
}

}  // namespace firn::objects
