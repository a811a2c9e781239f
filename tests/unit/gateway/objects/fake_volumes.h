#pragma once

#include <map>
#include <string>

#include "firn/volume/client.h"

namespace firn::test {

/// The volume tier as a map of extents. Windows and runs are small and uneven, so that every loop over them turns.
class FakeVolumes final : public volume::Client {
 public:
  std::map<ExtentId, std::string> extents;  ///< Finished ones.
  std::size_t window_bytes = 7'000;
  std::size_t run_bytes = 5'000;
  std::optional<Errc> write_failure, finish_failure, read_failure;
  std::size_t bytes_read = 0;

  void connect(DriveIndex, std::shared_ptr<volume::DriveService>) override {}
  void install_map(std::shared_ptr<const volume::ClusterMap>) override {}
  std::shared_ptr<const volume::ClusterMap> map() const override { return nullptr; }
  Result<std::unique_ptr<volume::ExtentWriter>> write(ExtentId id, std::uint64_t length_bytes, BucketId owner) override;
  std::unique_ptr<volume::ExtentReader> read(std::vector<volume::ExtentPart> parts) override;
  Task<erasure::ShardMask> repair(volume::ExtentPart extent, erasure::ShardMask wanted) override;
  Task<erasure::ShardMask> verify(volume::ExtentPart extent) override;
  Task<> remove(SetId set, std::vector<ExtentId> extents) override;

 private:
  class Writer;
  class Reader;
};

}  // namespace firn::test
