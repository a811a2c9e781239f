#include "placement.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "firn/base/assert.h"

namespace firn::server {

std::uint64_t mixed(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

namespace {

struct Drive {
  DriveIndex index;
  std::size_t domain = 0;
  std::uint64_t shards = 0;       ///< Over all sets so far.
  std::uint64_t data_shards = 0;  ///< Of these.
  std::size_t in_set = 0;         ///< Of the set being placed.
};
struct Domain {
  std::size_t drives = 0;
  std::uint64_t shards = 0;
  std::size_t in_set = 0;
};

class Placer {
 public:
  Placer(const std::vector<PlacementDrive>& drives, erasure::Shape shape, std::uint64_t seed)
      : shape_(shape), seed_(seed) {
    std::map<std::string, std::size_t> numbers;
    for (const auto& drive : drives) {
      const auto [entry, added] = numbers.emplace(drive.domain, domains_.size());
      if (added) domains_.emplace_back();
      ++domains_[entry->second].drives;
      drives_.push_back({.index = drive.index, .domain = entry->second});
    }
  }

  std::vector<DriveIndex> next_set() {
    ++set_;
    std::vector<std::size_t> chosen;
    for (std::size_t shard = 0; shard < shape_.total(); ++shard) chosen.push_back(choose());
    // Who has the fewest data shards for what it carries gets the first, and those are the data shards.
    std::ranges::stable_sort(chosen, {}, [this](std::size_t drive) { return data_order(drive); });
    std::vector<DriveIndex> members;
    for (std::size_t shard = 0; shard < chosen.size(); ++shard) {
      Drive& drive = drives_[chosen[shard]];
      if (shard < shape_.data) ++drive.data_shards;
      drive.in_set = 0;
      domains_[drive.domain].in_set = 0;
      members.push_back(drive.index);
    }
    return members;
  }

 private:
  std::uint64_t chance(std::size_t drive) const {
    return mixed(seed_ ^ mixed(set_ * 0x10001 + std::uint64_t{drives_[drive].index.value}));
  }

  /// The place that spreads the set furthest; of these, on whoever carries the least; of these, by chance, so that each
  /// drive shares sets with many others.
  std::size_t choose() {
    const auto order = [this](std::size_t i) {
      const Drive& drive = drives_[i];
      const Domain& domain = domains_[drive.domain];
      // Per drive, so that a node with more drives carries more; scaled, because only whole numbers compare exactly.
      const std::uint64_t load = domain.shards * kScale / domain.drives;
      return std::tuple(domain.in_set, drive.in_set, load, drive.shards, chance(i));
    };
    std::size_t best = 0;
    for (std::size_t i = 1; i < drives_.size(); ++i) {
      if (order(i) < order(best)) best = i;
    }
    Drive& drive = drives_[best];
    ++drive.in_set;
    ++drive.shards;
    ++domains_[drive.domain].in_set;
    ++domains_[drive.domain].shards;
    return best;
  }

  std::tuple<std::uint64_t, std::uint64_t> data_order(std::size_t drive) const {
    return {drives_[drive].data_shards * kScale / drives_[drive].shards, chance(drive)};
  }

  static constexpr std::uint64_t kScale = 1'000'000;
  const erasure::Shape shape_;
  const std::uint64_t seed_;
  std::uint64_t set_ = 0;
  std::vector<Drive> drives_;
  std::vector<Domain> domains_;
};

}  // namespace

bool domains_suffice(std::size_t domains, erasure::Shape shape) {
  return domains > 0 && (shape.total() + domains - 1) / domains <= shape.parity;
}

std::vector<std::vector<DriveIndex>> place_sets(const std::vector<PlacementDrive>& drives, erasure::Shape shape,
                                                std::size_t count, std::uint64_t seed) {
  FIRN_ASSERT(!drives.empty());
  Placer placer(drives, shape, seed);
  std::vector<std::vector<DriveIndex>> sets;
  for (std::size_t i = 0; i < count; ++i) sets.push_back(placer.next_set());
  return sets;
}

}  // namespace firn::server
