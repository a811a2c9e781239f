#include "maintenance_rig.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

namespace firn::test {

using namespace metadata;  // The fake is the metadata tier: its words are everywhere here.

void GarbageMetadata::hold(ExtentId extent) {
  const std::lock_guard lock(mutex_);
  held_.insert(extent);
}

void GarbageMetadata::free(const volume::WrittenExtent& extent, UnixMs freed_ms) {
  const std::lock_guard lock(mutex_);
  held_.erase(extent.id);
  degraded_.erase(extent.id);
  freed_[next_sequence_] = {next_sequence_, extent.id, extent.set, extent.length_bytes, freed_ms};
  ++next_sequence_;
}

void GarbageMetadata::miss(const volume::WrittenExtent& extent, std::uint32_t shards) {
  const std::lock_guard lock(mutex_);
  bytes_[extent.id] = extent.length_bytes;
  if (shards != 0) degraded_[extent.id] = {extent.id, extent.set, extent.length_bytes, shards};
}

std::size_t GarbageMetadata::freed() const {
  const std::lock_guard lock(mutex_);
  return freed_.size();
}

std::uint32_t GarbageMetadata::missing(ExtentId extent) const {
  const std::lock_guard lock(mutex_);
  const auto found = degraded_.find(extent);
  return found == degraded_.end() ? 0 : found->second.missing;
}

std::string GarbageMetadata::config(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = config_.find(name);
  return found == config_.end() ? std::string() : found->second;
}

Task<std::string> GarbageMetadata::find_config(std::string_view name) {
  std::string value = config(std::string(name));
  if (value.empty()) co_return Errc::not_found;
  co_return value;
}

Task<> GarbageMetadata::put_config(std::string name, std::string value) {
  const std::lock_guard lock(mutex_);
  config_[name] = std::move(value);
  co_return Unit{};
}

Task<std::vector<FreedExtent>> GarbageMetadata::list_freed(std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<FreedExtent> page;
  for (const auto& [sequence, extent] : freed_) {
    if (page.size() < limit) page.push_back(extent);
  }
  co_return page;
}

Task<> GarbageMetadata::drop_freed(std::vector<std::uint64_t> sequences, std::uint64_t version) {
  if (before_drop) std::exchange(before_drop, nullptr)();
  if (map_version && map_version() != version) co_return Errc::conditional_request_conflict;
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t sequence : sequences) freed_.erase(sequence);
  co_return Unit{};
}

Task<std::vector<bool>> GarbageMetadata::needed(std::vector<ExtentId> extents) {
  const std::lock_guard lock(mutex_);
  std::vector<bool> answers;
  for (const ExtentId extent : extents) {
    const bool queued = std::ranges::any_of(freed_, [&](const auto& entry) { return entry.second.extent == extent; });
    answers.push_back(held_.contains(extent) || queued);
  }
  co_return answers;
}

Task<std::vector<DegradedExtent>> GarbageMetadata::list_degraded(ExtentId after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<DegradedExtent> page;
  for (auto it = degraded_.upper_bound(after); it != degraded_.end() && page.size() < limit; ++it) {
    page.push_back(it->second);
  }
  co_return page;
}

Task<> GarbageMetadata::mark_missing(std::vector<DegradedExtent> extents) {
  const std::lock_guard lock(mutex_);
  for (const DegradedExtent& extent : extents) {
    if (!held_.contains(extent.extent)) continue;
    auto& row = degraded_.try_emplace(extent.extent, extent).first->second;
    row.missing |= extent.missing;
    row.extent_bytes = bytes_.at(extent.extent);
  }
  co_return Unit{};
}

Task<> GarbageMetadata::mark_good(std::vector<GoodShards> extents) {
  if (before_mark_good) std::exchange(before_mark_good, nullptr)();
  const std::lock_guard lock(mutex_);
  for (const metadata::GoodShards& good : extents) {
    const auto found = degraded_.find(good.extent);
    if (found == degraded_.end()) continue;
    if (set_epoch(found->second.set) != good.epoch) co_return Errc::stale_epoch;
    found->second.missing &= ~good.shards;
    if (found->second.missing == 0) degraded_.erase(found);
  }
  co_return Unit{};
}

objects::MaintenanceContext MaintenanceRig::context() {
  metadata.set_epoch = [this](SetId set) { return cluster.client().map()->find_set(set)->epoch; };
  metadata.map_version = [this] { return cluster.client().map()->version; };
  return {.runtime = cluster.runtime(),
          .metadata = metadata,
          .volumes = cluster.client(),
          .clock = clock,
          .drive = [this](DriveIndex drive) -> std::shared_ptr<volume::DriveService> {
            return cluster.shared_drive(drive.value);
          },
          .first_open_lease = [this] { return LeaseId{first_open}; }};
}

volume::WrittenExtent MaintenanceRig::put(ExtentId id, std::size_t bytes) {
  const auto written = orphan(id, bytes);
  metadata.hold(id);
  metadata.miss(written, 0);
  return written;
}

volume::WrittenExtent MaintenanceRig::orphan(ExtentId id, std::size_t bytes) {
  const auto written = cluster.put(id, volume::testing::some_bytes(bytes, id.counter));
  EXPECT_TRUE(written);
  return *written;
}

std::size_t MaintenanceRig::records(ExtentId extent) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < cluster.drives(); ++i) {
    const auto keys = cluster.drive(i).keys();
    count += static_cast<std::size_t>(std::ranges::count(keys, extent, [](const auto& key) { return key.extent; }));
  }
  return count;
}

void MaintenanceRig::run(boost::asio::awaitable<void> work) {
  boost::asio::co_spawn(cluster.runtime().io(0), std::move(work), boost::asio::use_future).get();
}

bool MaintenanceRig::eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace firn::test
