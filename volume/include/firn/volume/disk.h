#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"

namespace firn::volume {

/// One piece of a read or write: both the offset and the memory in whole pages.
struct ReadPart {
  std::uint64_t offset_bytes = 0;
  MutableBytes into;
};

/// An open file. Real: O_DIRECT through io_uring. Tests: SimDisk.
///
/// Threads: any io thread; completes on the caller's.
/// Durability: what `write` finished before `sync` was called survives power loss once that returns.
class DiskFile {
 public:
  virtual ~DiskFile() = default;
  /// All of it, or an error; past the end of the file is Errc::io_error.
  virtual Task<> read(std::uint64_t offset_bytes, MutableBytes into) = 0;
  /// Two pieces at once.
  virtual Task<> read_two(ReadPart first, ReadPart second) = 0;
  /// All of it, or an error. Errc::drive_full for ENOSPC.
  virtual Task<> write(std::uint64_t offset_bytes, ByteView bytes) = 0;
  /// fdatasync. Errc::io_error also when the file has been removed: nothing in it will be found again.
  virtual Task<> sync() = 0;
  /// Gives the file real space up to `size_bytes` and at least that size, then fsyncs it. On space that is there
  /// already: only waits for direct writes still under way, those of a killed process included. Errc::drive_full.
  virtual Task<> preallocate(std::uint64_t size_bytes) = 0;
};

/// An exclusive lock on a file, held until destroyed.
class DiskLock {
 public:
  virtual ~DiskLock() = default;
};

struct DiskSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};

/// The only door to a drive's file system.
///
/// Threads: any io thread. Directory work runs on the blocking pool.
/// Durability: as POSIX: a name made or changed survives power loss after `sync_directory` of its parent.
class Disk {
 public:
  enum class Open : std::uint8_t { existing, create };

  virtual ~Disk() = default;
  /// Errc::not_found when it is not there (Open::existing).
  virtual Task<std::shared_ptr<DiskFile>> open(std::string path, Open how) = 0;
  /// Names in a directory, in no order, without "." and "..". Errc::not_found.
  virtual Task<std::vector<std::string>> list(std::string directory) = 0;
  virtual Task<> make_directories(std::string directory) = 0;  ///< With its parents; each new name is synced.
  /// The whole of a small file. Errc::not_found.
  virtual Task<std::string> read_small(std::string path) = 0;
  /// Replaces a small file so that after power loss either the old or the new one is there, whole: a temporary beside
  /// it, fsync, rename, fsync of the directory.
  virtual Task<> replace_small(std::string path, std::string content) = 0;
  virtual Task<> remove(std::string path) = 0;  ///< Removing what is not there succeeds.
  virtual Task<> sync_directory(std::string directory) = 0;
  virtual Task<DiskSpace> space(std::string directory) = 0;
  /// Errc::already_exists when somebody else holds it.
  virtual Task<std::unique_ptr<DiskLock>> lock(std::string path) = 0;
};

/// The machine's file systems through io_uring, one ring per io thread of `runtime`, which must outlive the disk; the
/// disk must outlive its files and be destroyed after `runtime` has stopped. Errc::io_error when the kernel offers no
/// io_uring.
Result<std::unique_ptr<Disk>> make_uring_disk(Runtime& runtime);

}  // namespace firn::volume
