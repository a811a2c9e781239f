#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fake_drive.h"
#include "firn/base/runtime.h"
#include "firn/volume/client.h"

namespace firn::volume::testing {

inline constexpr SetId kSet{1};
inline constexpr BucketId kBucket{7};
inline constexpr erasure::Shape kFourPlusTwo{4, 2};

/// A client over in-memory drives with one set, as in the embedded default: shard i lies on drive i.
class FakeCluster {
 public:
  struct Setup {
    erasure::Shape shape = kFourPlusTwo;
    std::size_t io_threads = 1;
    Client::Options options{};
    /// Like the map keeper: a drive that is told to have failed is fenced in a new map.
    bool fence_failed_drives = true;
  };

  FakeCluster() : FakeCluster(Setup{}) {}
  explicit FakeCluster(Setup setup);
  ~FakeCluster();

  Client& client() { return *client_; }
  void drop_client() { client_.reset(); }
  Runtime& runtime() { return runtime_; }
  FakeDrive& drive(std::size_t index) { return *drives_.at(index); }
  std::shared_ptr<FakeDrive> shared_drive(std::size_t index) { return drives_.at(index); }
  std::size_t drives() const { return drives_.size(); }

  /// The map as last installed, to be changed and installed again under the next version.
  ClusterMap map() const;
  void install(ClusterMap map);
  /// Has the drive out (or in again) in a new map, the set's epoch raised.
  void set_state(std::size_t drive, DriveState state);
  /// Raises the set's epoch on drives; the client is not told.
  void raise_epoch_on_drives(SetEpoch epoch);

  /// Runs a task on an io thread and waits for it.
  template <class T>
  Result<T> run(Task<T> task, std::size_t thread = 0) {
    return start(std::move(task), thread).get();
  }
  template <class T>
  std::future<Result<T>> start(Task<T> task, std::size_t thread = 0) {
    return boost::asio::co_spawn(runtime_.io(thread), std::move(task), boost::asio::use_future);
  }

  /// Writes an extent, handing over at most `step` bytes at a time.
  Result<WrittenExtent> put(ExtentId id, const std::vector<std::byte>& bytes, std::size_t step = 100'000);
  Result<std::vector<std::byte>> get(const WrittenExtent& extent, ByteRange range);
  Result<std::vector<std::byte>> get(const WrittenExtent& extent) { return get(extent, {0, extent.length_bytes}); }
  Result<std::vector<std::byte>> get(std::vector<ExtentPart> parts);

  std::vector<DriveIndex> failed_drives() const;
  std::vector<DamagedRecord> damaged() const;
  void forget_events();

 private:
  void on_drive_failed(DriveIndex drive, const Error& failure);

  const Setup setup_;
  Runtime runtime_;
  std::vector<std::shared_ptr<FakeDrive>> drives_;
  std::unique_ptr<Client> client_;
  mutable std::mutex mutex_;
  std::vector<DriveIndex> failed_drives_;
  std::vector<DamagedRecord> damaged_;
};

Task<WrittenExtent> put_extent(Client& client, ExtentId id, std::vector<std::byte> bytes, std::size_t step);
Task<std::vector<std::byte>> get_parts(Client& client, std::vector<ExtentPart> parts);

/// The same bytes for the same seed.
std::vector<std::byte> some_bytes(std::size_t size, std::uint64_t seed);
std::vector<std::byte> part_of(const std::vector<std::byte>& bytes, ByteRange range);
ExtentPart part(const WrittenExtent& extent, ByteRange range);
ExtentPart whole(const WrittenExtent& extent);
inline ExtentId extent_id(std::uint64_t counter) { return {LeaseId{1}, counter}; }

/// Lengths at which chunks, blocks or stripes begin or end.
std::vector<std::size_t> boundary_lengths();

}  // namespace firn::volume::testing
