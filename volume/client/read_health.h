#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "firn/base/ids.h"

namespace firn::volume {

/// How fast drives answer reads, as one io thread sees it, and how many extra reads it may afford to go around slow
/// ones.
///
/// Threads: one io thread's own.
class ReadHealth {
 public:
  using Clock = std::chrono::steady_clock;

  /// A read that takes longer than this is worth asking other drives for: ten times what the typical drive needs. The
  /// median over drives counts, so a slow drive can't raise its own limit.
  Clock::duration patience() const { return patience_; }

  void started();
  void finished(DriveIndex drive, Clock::duration took);
  /// A read of the drive has outlived the patience; it is `settled` once it returns at last.
  void overdue(DriveIndex drive);
  void settled(DriveIndex drive);

  /// Whether reads should rather go to other drives: several are stuck there, or it is far slower than its peers. Never
  /// so where half of the drives or more are.
  bool avoid(DriveIndex drive) const;
  /// A slow drive still gets one read now and then, else it could never be seen to recover: true for that one.
  bool probe(DriveIndex drive);

  /// Takes one extra read from the budget, which grows with the reads made.
  bool take_hedge();

 private:
  struct Drive {
    double average_us = 0;  // Moving; 0 before the first read.
    unsigned stuck = 0;
    Clock::time_point probed{};
  };
  Drive& at(DriveIndex drive);
  bool outlives_patience(const Drive& drive) const;
  bool is_slow(const Drive& drive) const;
  void learn_patience();

  std::vector<Drive> drives_;
  Clock::duration patience_{kPatienceMin};
  unsigned finished_since_learned_ = 0;
  double hedges_ = kHedgesMax;

  /// Below this a second read costs more than it saves: a busy but healthy drive answers within it.
  static constexpr std::chrono::milliseconds kPatienceMin{20};
  static constexpr double kPatienceFactor = 10;
  static constexpr double kAverageWeight = 1.0 / 8;
  static constexpr unsigned kLearnEvery = 64;
  static constexpr unsigned kStuckMax = 2;
  static constexpr std::chrono::seconds kProbeEvery{1};
  static constexpr double kHedgeShare = 0.05;  ///< Extra reads per read.
  static constexpr double kHedgesMax = 16;     ///< Saved up: enough to notice that one drive hangs.
};

}  // namespace firn::volume
