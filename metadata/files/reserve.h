#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>

#include "firn/base/ids.h"
#include "firn/base/result.h"

namespace firn::metadata {

/// Space kept on drives so that log and state can go on when they are full: a preallocated file on each, given up when
/// a write finds no space, and taken again when there is some.
///
/// Threads: any.
class Reserve {
 public:
  explicit Reserve(std::uint64_t bytes) : bytes_(bytes) {}

  /// Keeps the reserve of this drive from now on. One that can't be taken now is as good as given up.
  void watch(DriveIndex drive, const std::filesystem::path& directory);
  void forget(DriveIndex drive);

  /// Gives the drive's reserve up. Whether that made space.
  bool release(DriveIndex drive);
  /// Takes given up reserves again where there is space.
  void refill();
  /// Some reserve is given up: what adds data must be refused.
  bool short_of_space() const { return given_up_.load(std::memory_order_acquire) != 0; }

 private:
  struct Drive {
    std::filesystem::path file;
    bool held = false;
  };
  bool take(const Drive& drive) const;
  void count();

  const std::uint64_t bytes_;
  mutable std::mutex mutex_;
  std::map<DriveIndex, Drive> drives_;
  std::atomic<std::size_t> given_up_{0};
};

}  // namespace firn::metadata
