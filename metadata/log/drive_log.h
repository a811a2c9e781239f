#pragma once

#include <vector>

#include "log/log_set.h"
#include "log/replicated_log.h"

namespace firn::metadata {

/// A log that is kept on drives of this node, as the node's maintenance sees it.
///
/// Threads: as ReplicatedLog. `prepare`, `drop_below` and `join_drive` may block and belong to the maintenance.
class DriveLog : public ReplicatedLog {
 public:
  /// Begins to take proposals.
  virtual void start(Sink sink) = 0;
  /// A stop is near: what waits for others is not waited for any longer than it must.
  virtual void expect_stop() {}
  /// Ends its threads. What waits fails with Errc::cancelled.
  virtual void stop() = 0;

  /// Drives that hold it.
  virtual std::vector<DriveIndex> members() const = 0;
  /// The drive has left the log set.
  virtual void drive_left(DriveIndex) {}
  /// Makes room for entries ahead of their coming.
  virtual Result<> prepare() = 0;
  /// Entries up to `index` are in the state on all its drives.
  virtual void drop_below(std::uint64_t index) = 0;
  /// Gives the drive the whole retained log, synced, and makes it a member of log and log set.
  virtual Result<> join_drive(const LogSet::Drive& drive) = 0;
};

}  // namespace firn::metadata
