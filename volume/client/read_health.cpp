#include "read_health.h"

#include <algorithm>

namespace firn::volume {

ReadHealth::Drive& ReadHealth::at(DriveIndex drive) {
  if (drive.value >= drives_.size()) drives_.resize(drive.value + 1U);
  return drives_[drive.value];
}

void ReadHealth::started() { hedges_ = std::min(hedges_ + kHedgeShare, kHedgesMax); }

void ReadHealth::finished(DriveIndex drive, Clock::duration took) {
  const double took_us = std::chrono::duration<double, std::micro>(took).count();
  double& average_us = at(drive).average_us;
  average_us = average_us == 0 ? took_us : average_us + (took_us - average_us) * kAverageWeight;
  // Before a drive is called slow its peers are looked at: all of them may have become so.
  if (++finished_since_learned_ >= kLearnEvery || outlives_patience(at(drive))) learn_patience();
}

bool ReadHealth::outlives_patience(const Drive& drive) const {
  return std::chrono::duration<double, std::micro>(drive.average_us) > patience_;
}

void ReadHealth::learn_patience() {
  finished_since_learned_ = 0;
  std::vector<double> averages;
  for (const Drive& drive : drives_) {
    if (drive.average_us > 0) averages.push_back(drive.average_us);
  }
  if (averages.empty()) return;
  const auto middle = averages.begin() + static_cast<std::ptrdiff_t>(averages.size() / 2);
  std::ranges::nth_element(averages, middle);
  const std::chrono::duration<double, std::micro> limit(*middle * kPatienceFactor);
  patience_ = std::max<Clock::duration>(std::chrono::duration_cast<Clock::duration>(limit), kPatienceMin);
}

void ReadHealth::overdue(DriveIndex drive) { ++at(drive).stuck; }

void ReadHealth::settled(DriveIndex drive) { --at(drive).stuck; }

bool ReadHealth::is_slow(const Drive& drive) const { return drive.stuck >= kStuckMax || outlives_patience(drive); }

bool ReadHealth::avoid(DriveIndex drive) const {
  if (drive.value >= drives_.size() || !is_slow(drives_[drive.value])) return false;
  const auto slow = std::ranges::count_if(drives_, [this](const Drive& d) { return is_slow(d); });
  // Where most are slow the machine is: reading k shards in place of one would make it slower still.
  return slow == 1 || static_cast<std::size_t>(slow) * 2 < drives_.size();
}

bool ReadHealth::probe(DriveIndex drive) {
  Drive& d = at(drive);
  const auto now = Clock::now();
  if (d.stuck >= kStuckMax || now - d.probed < kProbeEvery) return false;
  d.probed = now;
  return true;
}

bool ReadHealth::take_hedge() {
  if (hedges_ < 1) return false;
  hedges_ -= 1;
  return true;
}

}  // namespace firn::volume
