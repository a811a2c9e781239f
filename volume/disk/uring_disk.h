#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "disk/posix_directory.h"
#include "disk/uring_loop.h"
#include "firn/volume/disk.h"

namespace firn::volume {

/// Disk on the machine's file systems. See make_uring_disk.
class UringDisk final : public Disk {
 public:
  explicit UringDisk(Runtime& runtime) : runtime_(runtime), loops_(runtime.io_threads()) {}

  Task<std::shared_ptr<DiskFile>> open(std::string path, Open how) override;
  Task<std::vector<std::string>> list(std::string directory) override;
  Task<> make_directories(std::string directory) override;
  Task<std::string> read_small(std::string path) override;
  Task<> replace_small(std::string path, std::string content) override;
  Task<> remove(std::string path) override;
  Task<> sync_directory(std::string directory) override;
  Task<DiskSpace> space(std::string directory) override;
  Task<std::unique_ptr<DiskLock>> lock(std::string path) override;

  /// The calling io thread's ring, made at its first use: a ring belongs to the thread that makes it.
  Result<UringLoop*> loop();
  Runtime& runtime() { return runtime_; }

 private:
  Runtime& runtime_;
  std::vector<std::unique_ptr<UringLoop>> loops_;
  std::atomic<bool> buffered_was_said_{false};
};

/// A file of UringDisk.
class UringFile final : public DiskFile {
 public:
  UringFile(UringDisk& disk, std::string path, std::shared_ptr<posix::FileDescriptor> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}

  Task<> read(std::uint64_t offset_bytes, MutableBytes into) override;
  Task<> read_two(ReadPart first, ReadPart second) override;
  Task<> write(std::uint64_t offset_bytes, ByteView bytes) override;
  Task<> sync() override;
  Result<> still_named() const;
  Task<> preallocate(std::uint64_t size_bytes) override;

 private:
  boost::asio::awaitable<std::array<std::int32_t, 2>> read_apart(UringLoop& loop, const ReadPart& first,
                                                                 const ReadPart& second);

  UringDisk& disk_;
  const std::string path_;
  const std::shared_ptr<posix::FileDescriptor> file_;
};

}  // namespace firn::volume
