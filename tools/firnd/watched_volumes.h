#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "firn/volume/client.h"

namespace firn::server {

/// Extents being written, by the version of the map that was known when each was begun.
///
/// Threads: any.
class WritesUnderWay {
 public:
  void begin(std::uint64_t version);
  void end(std::uint64_t version);
  /// Of the oldest one; `newest` when there is none.
  std::uint64_t oldest(std::uint64_t newest) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::size_t> counts_;  // Guarded by mutex_.
};

/// A volume client that can say when nobody writes any more to sets that were closed.
///
/// Threads, durability, memory: those of the client below it.
class WatchedVolumes final : public volume::Client {
 public:
  explicit WatchedVolumes(std::unique_ptr<volume::Client> below) : below_(std::move(below)) {}

  /// The version of the map by which, or after which, every extent that is still being written has chosen its set; of
  /// the newest map when none is. From any thread.
  std::uint64_t oldest_write() const;

  void connect(DriveIndex drive, std::shared_ptr<volume::DriveService> service) override;
  void install_map(std::shared_ptr<const volume::ClusterMap> map) override { below_->install_map(std::move(map)); }
  std::shared_ptr<const volume::ClusterMap> map() const override { return below_->map(); }
  Result<std::unique_ptr<volume::ExtentWriter>> write(ExtentId id, std::uint64_t length_bytes, BucketId owner) override;
  std::unique_ptr<volume::ExtentReader> read(std::vector<volume::ExtentPart> parts) override;
  Task<erasure::ShardMask> repair(volume::ExtentPart extent, erasure::ShardMask wanted) override;
  Task<erasure::ShardMask> verify(volume::ExtentPart extent) override { return below_->verify(extent); }
  Task<> remove(SetId set, std::vector<ExtentId> extents) override;

 private:
  class Writer;
  const std::unique_ptr<volume::Client> below_;
  // Shared with writers, which may outlive the client.
  const std::shared_ptr<WritesUnderWay> writes_ = std::make_shared<WritesUnderWay>();
};

}  // namespace firn::server
