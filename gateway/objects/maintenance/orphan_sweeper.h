#pragma once

#include <set>
#include <vector>

#include "maintenance/background.h"

namespace firn::objects {

/// Finds extents that no metadata refers to: what a crash between shards and commit leaves, and what a drive that was
/// out still holds of extents freed meanwhile. Only extents of closed leases without a holder are orphans, so a slow
/// upload is safe however slow it is.
///
/// Each drive is walked in extent order from where its last finished walk ended; leases only grow, so a start after a
/// crash looks at what the crashed incarnation wrote and no more. A drive that was out or replaced is walked whole.
class OrphanSweeper {
 public:
  explicit OrphanSweeper(MaintenanceContext context, LeaseId current_lease);
  void start() { loop_.start(); }
  boost::asio::awaitable<void> stop() { return loop_.stop(); }
  /// The drive came back after it was out: walk all of it. From any thread.
  void sweep_whole(DriveIndex drive);

 private:
  static constexpr std::size_t kRecordsPerList = 1'000;
  boost::asio::awaitable<BackgroundLoop::Outcome> step();
  /// Walks one drive; true when it got to the end.
  Task<> sweep(DriveIndex drive);
  Task<> remove_orphans(SetId set, std::vector<ExtentId> extents);
  Task<LeaseId> swept_below(DriveIndex drive);

  MaintenanceContext context_;
  LeaseId current_lease_;
  std::vector<DriveIndex> pending_;
  std::set<DriveIndex> whole_;  ///< Of those pending: from the first record on.
  BackgroundLoop loop_;
};

}  // namespace firn::objects
