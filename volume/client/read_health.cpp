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
  if (++finished_since_learned_ >= kLearnEvery) learn_patience();
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

bool ReadHealth::avoid(DriveIndex drive) const {
  if (drive.value >= drives_.size()) return false;
  const Drive& d = drives_[drive.value];
  return d.stuck >= kStuckMax || std::chrono::duration<double, std::micro>(d.average_us) > patience_;
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
