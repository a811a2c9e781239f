#pragma once

#include <map>
#include <vector>

#include "maintenance/background.h"

namespace firn::objects {

/// Garbage collection: takes extents that lost their last holder off the drives, after a grace period in which readers
/// that found them in a record may finish.
///
/// Durability: a free-queue entry is dropped only once every drive's index has flushed the removal, so a crash at any
/// point repeats removals (they are idempotent) and forgets none. A drive that is out is not waited for: what it still
/// holds is found by the orphan sweep when it returns. One that returns before the entry is dropped, whose sweep may
/// have met it, makes another version of the map, under which nothing is dropped before that drive was told.
class Reclaimer {
 public:
  Reclaimer(MaintenanceContext context, std::chrono::milliseconds grace);
  void start() { loop_.start(); }
  boost::asio::awaitable<void> stop() { return loop_.stop(); }
  void poke() { loop_.poke(); }

 private:
  /// One list, removal and flush: enough to amortise an index flush, little enough to stay responsive.
  static constexpr std::size_t kBatch = 1'000;
  using BySet = std::map<SetId, std::vector<ExtentId>>;
  boost::asio::awaitable<BackgroundLoop::Outcome> step();
  Task<std::size_t> reclaim_batch();
  Task<> remove(const BySet& extents);
  std::uint64_t map_version() const;

  MaintenanceContext context_;
  const std::chrono::milliseconds grace_;
  BackgroundLoop loop_;
};

}  // namespace firn::objects
