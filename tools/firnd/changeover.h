#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "firn/base/result.h"

namespace firn::server {

/// The exchange of a single machine's metadata for that of a cluster's node, on all of its drives.
///
/// Each drive has a folder `changeover` meanwhile: `meta`, the new metadata, until it takes the place of DRIVE/meta;
/// `ready`, once all drives have theirs; `single`, the old metadata, the way back. The machine is a single one until
/// every drive is marked ready, and the cluster's from the first exchange on; in between, nobody may start. What was
/// broken off at any step is gone on with by `finish` or taken back by `take_back`.
///
/// Threads: one at a time; blocks. Durability: each step is synced before the next. Processes: whoever changes
/// anything, or is about to open the metadata, holds the lock; the metadata has one of its own once it is open.
class Changeover {
 public:
  enum class State {
    none,      ///< Nothing that counts: what is being prepared may be thrown away.
    decided,   ///< Marked as ready: to be finished, or taken back.
    finished,  ///< The drives that are there have the new metadata, and the old one too.
    ended,     ///< A node has started with it: there is no way back.
  };

  /// `drives`: of the machine, all that are named. `before_step` is called before each change on a drive.
  explicit Changeover(std::vector<std::filesystem::path> drives, std::function<void()> before_step = {})
      : drives_(std::move(drives)), before_step_(std::move(before_step)) {}

  ~Changeover() { unlock(); }
  Changeover(const Changeover&) = delete;
  Changeover& operator=(const Changeover&) = delete;

  /// Errc::already_exists while another process has one of the drives.
  Result<> lock();
  void unlock();
  State state() const;

  /// Where a drive's new metadata is prepared: as if it were the drive.
  static std::filesystem::path folder(const std::filesystem::path& drive);
  /// Throws away what was prepared, where nothing was exchanged.
  Result<> discard();
  /// To its end. Errc::invalid_argument when a drive was never prepared.
  Result<> finish();
  /// The single machine's metadata is in its place again, on all drives. Errc::invalid_argument when there is no way.
  Result<> take_back();
  /// The old metadata is removed: a node is about to write to the new.
  Result<> end();

 private:
  Result<> rename(const std::filesystem::path& from, const std::filesystem::path& to) const;
  Result<> remove(const std::filesystem::path& path) const;
  void step() const {
    if (before_step_) before_step_();
  }

  const std::vector<std::filesystem::path> drives_;
  const std::function<void()> before_step_;
  std::vector<int> locks_;
};

}  // namespace firn::server
