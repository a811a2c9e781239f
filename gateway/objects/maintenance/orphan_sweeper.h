#pragma once

#include <map>
#include <vector>

#include "maintenance/background.h"

namespace firn::objects {

/// Finds extents that no metadata refers to: what a crash between shards and commit leaves, what uploads that broke off
/// leave, and what a drive that was out still holds of extents freed meanwhile. Only extents of closed leases without a
/// holder are orphans, so a slow upload is safe however slow it is.
///
/// Each drive is walked in extent order from the lease where its last finished walk ended, up to the first lease that
/// is still open: once at the start, and again when leases were closed since. A drive that was out or replaced is
/// walked whole.
class OrphanSweeper {
 public:
  explicit OrphanSweeper(MaintenanceContext context, std::size_t records_per_list = 1'000);
  void start() { loop_.start(); }
  boost::asio::awaitable<void> stop() { return loop_.stop(); }
  void poke() { loop_.poke(); }
  /// All of the drive is to be walked again. Recorded when it returns. On io thread 0.
  Task<> sweep_again(DriveIndex drive);

 private:
  struct Progress {
    LeaseId swept_below;      ///< As recorded by this process; 0: what metadata says.
    std::uint64_t again = 0;  ///< Rises with each `sweep_again`: a walk begun before one ends nothing.
  };
  boost::asio::awaitable<BackgroundLoop::Outcome> step();
  Task<> sweep(DriveIndex drive, LeaseId end);
  /// Removes the orphans of one page of records under `end`, and moves `after` on. True when that was the last page.
  Task<bool> sweep_page(volume::DriveService& service, volume::RecordKey& after, LeaseId end);
  Task<> remove_orphans(volume::DriveService& service, std::vector<ExtentId> extents);

  MaintenanceContext context_;
  const std::size_t records_per_list_;
  std::map<DriveIndex, Progress> progress_;
  BackgroundLoop loop_;
};

}  // namespace firn::objects
