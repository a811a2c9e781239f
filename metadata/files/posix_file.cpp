#include "files/posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "rows/try.h"

namespace firn::metadata {

Error system_error(int code, const std::string& doing) {
  const bool full = code == ENOSPC || code == EDQUOT;
  return error(full ? Errc::insufficient_storage : Errc::io_error,
               doing + ": " + std::generic_category().message(code));
}

PosixFile::PosixFile(PosixFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

PosixFile& PosixFile::operator=(PosixFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

void PosixFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Error PosixFile::failure(const char* doing) const { return system_error(errno, std::string(doing) + " " + path_); }

Result<PosixFile> PosixFile::open(const std::filesystem::path& path, int flags) {
  constexpr int kMode = 0600;  // Object names and small bodies are nobody else's business.
  int fd = ::open(path.c_str(), flags | O_CLOEXEC, kMode);
  if (fd < 0 && errno == EINVAL && (flags & O_DIRECT) != 0) {
    fd = ::open(path.c_str(), (flags & ~O_DIRECT) | O_CLOEXEC, kMode);
  }
  if (fd < 0) {
    if (errno == ENOENT) return error(Errc::not_found, "open " + path.string());
    return system_error(errno, "open " + path.string());
  }
  return PosixFile(fd, path.string());
}

Result<> PosixFile::write_all(std::uint64_t offset_bytes, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset_bytes));
    if (written < 0) {
      if (errno == EINTR) continue;
      return failure("write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset_bytes += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::size_t> PosixFile::read_some(std::uint64_t offset_bytes, MutableBytes bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pread(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset_bytes + done));
    if (count < 0) {
      if (errno == EINTR) continue;
      // Past the page cache a read can't go on within a page: the file ended there, and has grown since.
      if (errno == EINVAL && done % kPageBytes != 0) break;
      return failure("read");
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Result<> PosixFile::read_all(std::uint64_t offset_bytes, MutableBytes bytes) const {
  TRY_LET(const std::size_t count, read_some(offset_bytes, bytes));
  return count == bytes.size() ? Result<>() : error(Errc::corrupt, path_ + " is too short");
}

Result<> PosixFile::sync_data() {
  if (::fdatasync(fd_) != 0) return failure("fdatasync");
  // A drive's folder that was removed under us takes writes for ever, and keeps none of them.
  struct stat status{};
  if (::fstat(fd_, &status) != 0) return failure("stat");
  return status.st_nlink != 0 ? Result<>() : error(Errc::io_error, path_ + " was removed");
}
Result<> PosixFile::sync() { return ::fsync(fd_) == 0 ? Result<>() : failure("fsync"); }

Result<> PosixFile::truncate(std::uint64_t bytes) {
  return ::ftruncate(fd_, static_cast<off_t>(bytes)) == 0 ? Result<>() : failure("truncate");
}

Result<> PosixFile::allocate(std::uint64_t bytes) {
  const int code = ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
  return code == 0 ? Result<>() : system_error(code, "allocate " + path_);
}

Result<std::uint64_t> PosixFile::size() const {
  struct stat status{};
  if (::fstat(fd_, &status) != 0) return failure("stat");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<> PosixFile::lock() {
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return error(Errc::already_exists, path_ + " is used by another process");
  return failure("lock");
}

Result<> sync_directory(const std::filesystem::path& directory) {
  TRY_LET(PosixFile file, PosixFile::open(directory, O_RDONLY | O_DIRECTORY));
  return file.sync();
}

Result<> make_directories(const std::filesystem::path& directory) {
  if (directory.empty()) return {};
  std::error_code code;
  if (std::filesystem::is_directory(directory, code)) return {};
  TRY(make_directories(directory.parent_path()));
  std::filesystem::create_directory(directory, code);
  if (code) return system_error(code.value(), "make " + directory.string());
  return sync_directory(directory.has_parent_path() ? directory.parent_path() : ".");
}

}  // namespace firn::metadata
