#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "files/reserve.h"
#include "log/drive_log.h"
#include "log/log_set.h"
#include "store/rocks_store.h"
#include "store/state_guard.h"
#include "store/state_mirror.h"

namespace firn::metadata {

/// What keeps log and state whole beside the commits: flushes, reads back and drops the log, makes log files, fills
/// drives that join, takes drives out and in.
///
/// Threads: one of its own; calls from any thread only leave a note. Idle it uses no CPU.
class Maintenance {
 public:
  struct Parts {
    LogSet& set;
    DriveLog& log;
    RocksStore& store;
    StateMirror& mirror;
    StateGuard& guard;
    Reserve& reserve;
  };
  Maintenance(Parts parts, std::uint64_t log_kept_bytes_max);
  ~Maintenance();

  void start();
  void stop();

  void batch_applied();
  void files_changed() { note(files_changed_); }
  void look_for_members() { note(members_wanted_); }
  void drive_failed(DriveIndex drive);
  void drive_returned(LogSet::Drive drive);

  std::uint64_t persisted_index() const { return persisted_index_.load(std::memory_order_acquire); }

 private:
  void note(bool& flag);
  void run();
  void serve_drives();
  void keep_log();
  void drop_log();
  void fill_members();
  Result<> join(const LogSet::Drive& drive);

  const Parts parts_;
  const std::uint64_t log_kept_bytes_max_;
  std::atomic<std::uint64_t> persisted_index_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  bool log_grew_ = false;
  bool files_changed_ = false;
  bool members_wanted_ = false;
  bool stopping_ = false;
  std::deque<DriveIndex> failed_;
  std::deque<LogSet::Drive> returned_;
  std::set<DriveIndex> unfit_;  ///< Could not be filled: not tried again until they return.
  std::thread thread_;
};

}  // namespace firn::metadata
