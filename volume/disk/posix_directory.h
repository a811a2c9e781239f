#pragma once

#include <memory>
#include <string>
#include <vector>

#include "firn/base/result.h"
#include "firn/volume/disk.h"

/// What a Disk does with names and small files. Every call may block: they run on the blocking pool.
namespace firn::volume::posix {

/// `errno` as our Error: ENOENT not_found, ENOSPC and EDQUOT drive_full, the rest io_error.
Error failure(int error_number, const std::string& what);

/// A descriptor that closes itself.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value = -1) : value_(value) {}
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~FileDescriptor();
  int value() const { return value_; }

 private:
  int value_;
};

struct OpenedFile {
  std::shared_ptr<FileDescriptor> file;  ///< Shared because it crosses threads in a copyable function.
  bool direct = true;                    ///< False: the file system refuses O_DIRECT.
};

Result<OpenedFile> open_file(const std::string& path, Disk::Open how);
Result<> preallocate(int file, const std::string& path, std::uint64_t size_bytes);
Result<std::vector<std::string>> list(const std::string& directory);
Result<> make_directories(const std::string& directory);
Result<std::string> read_small(const std::string& path);
Result<> replace_small(const std::string& path, const std::string& content);
Result<> remove(const std::string& path);
Result<> sync_directory(const std::string& directory);
Result<DiskSpace> space(const std::string& directory);
Result<std::shared_ptr<FileDescriptor>> lock(const std::string& path);

}  // namespace firn::volume::posix
