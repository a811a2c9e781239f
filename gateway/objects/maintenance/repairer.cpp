#include "maintenance/repairer.h"

#include <boost/asio/post.hpp>
#include <map>

#include "firn/base/log.h"

namespace firn::objects {

Repairer::Repairer(MaintenanceContext context, Options options)
    : context_(std::move(context)), options_(options), loop_(context_.runtime.io(0), [this] { return step(); }) {}

void Repairer::report(const volume::DamagedRecord& damaged) {
  boost::asio::post(context_.runtime.io(0), [this, damaged] {
    if (reports_.size() >= kReportsMax) {
      ++dropped_;
    } else if (reported_.insert(damaged.key).second) {
      reports_.push_back(damaged);
      loop_.poke();
    }
  });
}

Maintenance::Progress Repairer::progress() const {
  return {.repairing = repairing_,
          .extents_repaired = repaired_,
          .bytes_repaired = repaired_bytes_,
          .repairs_failed = failed_,
          .reports_dropped = dropped_};
}

boost::asio::awaitable<BackgroundLoop::Outcome> Repairer::step() {
  bool progressed = false;
  const auto run = [&](const Result<bool>& done, const char* what) {
    if (!done) log::warn("repair of {}: {} {}", what, to_string(done.error().code), done.error().detail);
    progressed |= done.value_or(false);
  };
  if (const auto forgotten = co_await forget_removed(); !forgotten) {
    log::warn("repair of removed extents: {} {}", to_string(forgotten.error().code), forgotten.error().detail);
  }
  run(co_await repair_reported(), "reported records");
  run(co_await repair_degraded(), "degraded extents");
  repairing_ = false;
  co_return progressed ? BackgroundLoop::Outcome::progressed : BackgroundLoop::Outcome::idle;
}

std::vector<metadata::DegradedExtent> Repairer::take_reports() {
  std::map<ExtentId, metadata::DegradedExtent> by_extent;
  while (!reports_.empty() && by_extent.size() < kBatch) {
    const auto damaged = std::move(reports_.front());
    reports_.pop_front();
    reported_.erase(damaged.key);
    auto& entry = by_extent[damaged.key.extent];
    entry.extent = damaged.key.extent;
    entry.set = damaged.set;
    entry.missing |= erasure::ShardMask{1} << damaged.key.shard;
  }
  std::vector<metadata::DegradedExtent> extents;
  for (auto& [id, entry] : by_extent) extents.push_back(entry);
  return extents;
}

Task<bool> Repairer::repair_reported() {
  auto extents = take_reports();
  if (extents.empty()) co_return false;
  CO_TRY(co_await context_.metadata.mark_missing(std::move(extents)));
  co_return true;  // They are on the degraded list now.
}

/// The missing shards that have a drive to go to.
erasure::ShardMask Repairer::reachable(const metadata::DegradedExtent& extent) const {
  const auto map = context_.volumes.map();
  const auto* set = map ? map->find_set(extent.set) : nullptr;
  return set ? extent.missing & ~map->shards_out(*set) : 0;
}

Task<bool> Repairer::repair_degraded() {
  bool progressed = false;
  ExtentId after;
  while (!loop_.stopping()) {
    CO_TRY_LET(const auto extents, co_await context_.metadata.list_degraded(after, kBatch));
    for (auto extent : extents) {
      after = extent.extent;
      extent.missing = reachable(extent);
      if (loop_.stopping() || extent.missing == 0) continue;
      repairing_ = true;
      if (const auto repaired = co_await repair_extent(extent); !repaired) {
        ++failed_;
        log::warn("repair of extent {}: {} {}", to_string(extent.extent), to_string(repaired.error().code),
                  repaired.error().detail);
        continue;
      }
      progressed = true;
    }
    if (extents.size() < kBatch) break;
  }
  co_return progressed;
}

SetEpoch Repairer::epoch_of(SetId id) const {
  const auto map = context_.volumes.map();
  const auto* set = map ? map->find_set(id) : nullptr;
  return set ? set->epoch : SetEpoch{};
}

/// Extents that lost their last holder leave the list.
Task<bool> Repairer::still_degraded(ExtentId extent) {
  const ExtentId before{extent.lease, extent.counter - 1};  // Counters begin at 1.
  CO_TRY_LET(const auto next, co_await context_.metadata.list_degraded(before, 1));
  co_return !next.empty() && next.front().extent == extent;
}

/// Drives forget an extent once. What repair appended after that would stay for ever.
Task<> Repairer::forget_removed() {
  for (auto it = removed_.begin(); it != removed_.end();) {
    std::vector<ExtentId> asked(1, it->first);
    CO_TRY_LET(const auto needed, co_await context_.metadata.needed(asked));
    if (needed.front()) {
      ++it;  // It waits in the free queue.
      continue;
    }
    CO_TRY(co_await context_.volumes.remove(it->second, std::move(asked)));
    it = removed_.erase(it);
  }
  co_return Unit{};
}

Task<> Repairer::repair_extent(const metadata::DegradedExtent& extent) {
  const volume::ExtentPart part{.id = extent.extent,
                                .set = extent.set,
                                .length_bytes = extent.extent_bytes,
                                .range = {.offset = 0, .length = extent.extent_bytes}};
  const SetEpoch epoch = epoch_of(extent.set);
  const auto repaired = co_await context_.volumes.repair(part, extent.missing);
  CO_TRY_LET(const bool degraded, co_await still_degraded(extent.extent));
  if (!degraded) {
    removed_.emplace(extent.extent, extent.set);
    co_return Unit{};
  }
  CO_TRY_LET(const erasure::ShardMask good, repaired);
  if (good == 0) co_return error(Errc::corrupt, "no shard could be rebuilt");
  // Refused where another drive, which owes all of it, has taken the place of one that was found good.
  const std::vector<metadata::GoodShards> list(1, {.extent = extent.extent, .epoch = epoch, .shards = good});
  CO_TRY(co_await context_.metadata.mark_good(list));
  ++repaired_;
  repaired_bytes_ += extent.extent_bytes;
  co_await throttle(extent.extent_bytes);
  co_return Unit{};
}

boost::asio::awaitable<void> Repairer::throttle(std::uint64_t bytes) {
  const auto pause = std::chrono::milliseconds(bytes * 1'000 / options_.bytes_per_second);
  if (pause.count() > 0) co_await loop_.pause(pause);
}

}  // namespace firn::objects
