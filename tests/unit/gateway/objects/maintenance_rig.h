#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "fake_cluster.h"
#include "fake_metadata.h"
#include "firn/objects/maintenance.h"

namespace firn::test {

/// What maintenance asks of metadata: holders, the free queue and the list of missing shards, set by the test.
///
/// Threads: any; what maintenance does happens on an io thread.
class GarbageMetadata final : public FakeMetadata {
 public:
  void hold(ExtentId extent);
  void free(const volume::WrittenExtent& extent, UnixMs freed_ms);
  void miss(const volume::WrittenExtent& extent, std::uint32_t shards);
  std::size_t freed() const;
  /// What is recorded missing of the extent.
  std::uint32_t missing(ExtentId extent) const;
  std::string config(const std::string& name) const;

  /// Of the recorded map.
  std::function<std::uint64_t()> map_version;
  std::function<SetEpoch(SetId)> set_epoch;
  /// Run once, when an entry of the free queue is about to be dropped.
  std::function<void()> before_drop;
  /// Run once, when a shard is about to be recorded good.
  std::function<void()> before_mark_good;

  Task<std::string> find_config(std::string_view name) override;
  Task<> put_config(std::string name, std::string value) override;
  Task<std::vector<metadata::FreedExtent>> list_freed(std::size_t limit) override;
  Task<> drop_freed(std::vector<std::uint64_t> sequences, std::uint64_t map_version) override;
  Task<std::vector<bool>> needed(std::vector<ExtentId> extents) override;
  Task<std::vector<metadata::DegradedExtent>> list_degraded(ExtentId after, std::size_t limit) override;
  Task<> mark_missing(std::vector<metadata::DegradedExtent> extents) override;
  Task<> mark_good(std::vector<metadata::GoodShards> extents) override;

 private:
  mutable std::mutex mutex_;
  std::set<ExtentId> held_;
  std::map<std::uint64_t, metadata::FreedExtent> freed_;
  std::map<ExtentId, metadata::DegradedExtent> degraded_;
  std::map<ExtentId, std::uint64_t> bytes_;
  std::map<std::string, std::string> config_;
  std::uint64_t next_sequence_ = 1;
};

/// A clock that stands still until the test moves it.
class TestClock final : public Clock {
 public:
  std::atomic<UnixMs> now_ms{1'770'000'000'000};
  UnixMs now_unix_ms() const override { return now_ms; }
  std::chrono::steady_clock::time_point steady_now() const override { return std::chrono::steady_clock::now(); }
};

/// Six drives in memory with the real volume client over them, and what the workers need beside.
struct MaintenanceRig {
  volume::testing::FakeCluster cluster;
  GarbageMetadata metadata;
  TestClock clock;
  std::atomic<std::uint64_t> first_open{100};

  objects::MaintenanceContext context();
  /// Writes an extent that somebody holds.
  volume::WrittenExtent put(ExtentId id, std::size_t bytes);
  /// Writes one that nobody holds.
  volume::WrittenExtent orphan(ExtentId id, std::size_t bytes);
  /// Records of the extent, on all drives together.
  std::size_t records(ExtentId extent);
  /// Runs a coroutine of the workers' own io thread to its end.
  void run(boost::asio::awaitable<void> work);
  /// Waits until `condition` holds, letting the workers work. False after a bound no healthy run reaches.
  static bool eventually(const std::function<bool()>& condition);
};

inline ExtentId extent_id(std::uint64_t lease, std::uint64_t counter) { return {LeaseId{lease}, counter}; }

}  // namespace firn::test
