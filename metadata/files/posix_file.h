#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "firn/base/buffer.h"
#include "firn/base/result.h"

namespace firn::metadata {

/// An open file or directory of the operating system.
///
/// Threads: any; reads and writes name their place.
class PosixFile {
 public:
  PosixFile() = default;
  ~PosixFile() { close(); }
  PosixFile(PosixFile&& other) noexcept;
  PosixFile& operator=(PosixFile&& other) noexcept;

  /// `flags` as open(2) takes them; O_CLOEXEC is added. With O_DIRECT, falls back to buffered where it is refused.
  static Result<PosixFile> open(const std::filesystem::path& path, int flags);

  bool is_open() const { return fd_ >= 0; }
  Result<> write_all(std::uint64_t offset_bytes, ByteView bytes);
  /// How much was there, up to the whole span.
  Result<std::size_t> read_some(std::uint64_t offset_bytes, MutableBytes bytes) const;
  /// Errc::corrupt when the file is too short.
  Result<> read_all(std::uint64_t offset_bytes, MutableBytes bytes) const;
  /// Also fails when the file has no name any more.
  Result<> sync_data();
  Result<> sync();
  Result<> truncate(std::uint64_t bytes);
  Result<> allocate(std::uint64_t bytes);
  Result<std::uint64_t> size() const;
  /// Takes the lock of the whole file, or answers Errc::already_exists when another process has it.
  Result<> lock();
  void close();

 private:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  Error failure(const char* doing) const;
  int fd_ = -1;
  std::string path_;
};

/// Makes names added to or taken from a directory durable.
Result<> sync_directory(const std::filesystem::path& directory);
/// Makes `directory` and what leads to it, and their names durable.
Result<> make_directories(const std::filesystem::path& directory);
/// Errc::insufficient_storage for a full drive, io_error for all else; the detail names what was done to what.
Error system_error(int code, const std::string& doing);

}  // namespace firn::metadata
