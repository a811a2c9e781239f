#pragma once

#include <rocksdb/env.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <string>
#include <vector>

#include "firn/volume/drive.h"
#include "server/drive_open.h"
#include "sim_disk.h"

namespace firn::volume {

/// The seed of this run: FIRN_TEST_SEED, or a fixed one. Printed by each test that uses it.
std::uint64_t test_seed();

/// Bytes that can't be mistaken for others': derived from `key`.
Buffer test_payload(const RecordKey& key, std::uint32_t stored_bytes);
/// An append with header page, block checksums and payload; `memory` keeps the bytes.
Append test_append(const RecordKey& key, std::uint32_t stored_bytes, Buffer& memory);
RecordKey key_of(std::uint64_t counter, std::uint32_t stripe = 0, std::uint8_t shard = 0);

/// A drive on a simulated disk, its index in memory; and the threads it needs.
class DriveRig {
 public:
  struct Options {
    std::uint64_t segment_bytes = 4ULL << 20;
    std::uint64_t disk_bytes = 1ULL << 40;
    std::uint64_t reserve_bytes = 1;  ///< One byte: small simulated disks are used to the last segment.
    std::chrono::milliseconds recycle_grace{0};
    std::size_t io_threads = 1;
  };
  explicit DriveRig(std::uint64_t seed);
  DriveRig(std::uint64_t seed, Options options);
  ~DriveRig();

  template <class T>
  Result<T> run(Task<T> task) {
    return boost::asio::co_spawn(runtime_.io(0), std::move(task), boost::asio::use_future).get();
  }

  SimDisk& disk() { return disk_; }
  Runtime& runtime() { return runtime_; }
  Drive& drive() { return *drive_; }
  std::shared_ptr<Drive> shared() { return drive_; }
  Drive::Options& options() { return drive_options_; }
  std::vector<Error> fences();
  std::vector<DamagedRecord> damaged();

  Result<> open();
  Result<> stop();
  /// The power goes; the next thing is `open`.
  void crash();
  /// The process dies, the machine does not.
  void kill();
  void delete_index();

  Result<> append(const RecordKey& key, std::uint32_t stored_bytes);
  Result<> append_and_sync(const RecordKey& key, std::uint32_t stored_bytes);
  /// Success: the record is there, whole and as appended.
  Result<> check(const RecordKey& key, std::uint32_t stored_bytes);
  /// Where the record lies: its segment's path and its offset, found by reading the disk.
  struct Place {
    std::string path;
    std::uint64_t offset_bytes = 0;
  };
  Place place_of(const RecordKey& key);
  /// Waits until `condition` holds, letting the background work run. False after a bound no healthy run reaches.
  bool eventually(const std::function<bool()>& condition);
  /// Gives background work turns enough to do what it should not.
  void let_it_run();

  static constexpr const char* kDirectory = "/sim/drive";

 private:
  void drop_drive();

  Runtime runtime_;
  SimDisk disk_;
  std::unique_ptr<rocksdb::Env> env_;
  Drive::Options drive_options_;
  std::shared_ptr<Drive> drive_;
  std::mutex mutex_;
  std::vector<Error> fences_;
  std::vector<DamagedRecord> damaged_;
};

}  // namespace firn::volume
