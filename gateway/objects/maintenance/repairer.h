#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "maintenance/background.h"

namespace firn::objects {

/// Brings extents back to full redundancy: those recorded short of a shard (written while a drive was out, or owed by a
/// replacement) and those a read or a scrub found damaged.
///
/// Threads: `report` from anywhere; the work runs on io thread 0.
/// Durability: what is found damaged is recorded missing in metadata before it is rebuilt, and taken off only after the
/// rebuilt shard was synced and read back, so the count below full redundancy is never too low.
/// Memory: `kReportsMax` reports; past that they are dropped, for the next read or scrub finds the damage again.
class Repairer {
 public:
  struct Options {
    /// What repair may read and write a second, so that clients keep most of the drives.
    std::uint64_t bytes_per_second = 200ULL << 20;
  };
  Repairer(MaintenanceContext context, Options options);
  void start() { loop_.start(); }
  boost::asio::awaitable<void> stop() { return loop_.stop(); }
  void poke() { loop_.poke(); }

  void report(const volume::DamagedRecord& damaged);
  Maintenance::Progress progress() const;

 private:
  static constexpr std::size_t kReportsMax = 10'000;
  static constexpr std::size_t kBatch = 1'000;

  boost::asio::awaitable<BackgroundLoop::Outcome> step();
  Task<bool> repair_reported();
  Task<bool> repair_degraded();
  Task<> repair_extent(const metadata::DegradedExtent& extent);
  Task<bool> still_degraded(ExtentId extent);
  Task<> forget_removed();
  std::vector<metadata::DegradedExtent> take_reports();
  erasure::ShardMask reachable(const metadata::DegradedExtent& extent) const;
  SetEpoch epoch_of(SetId set) const;
  boost::asio::awaitable<void> throttle(std::uint64_t bytes);

  MaintenanceContext context_;
  Options options_;
  std::deque<volume::DamagedRecord> reports_;
  std::set<volume::RecordKey> reported_;
  std::map<ExtentId, SetId> removed_;  ///< Freed while they were repaired: what repair wrote must go, too.
  std::atomic<bool> repairing_{false};
  std::atomic<std::uint64_t> repaired_{0}, repaired_bytes_{0}, failed_{0}, dropped_{0};
  BackgroundLoop loop_;
};

}  // namespace firn::objects
