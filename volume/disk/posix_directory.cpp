#include "disk/posix_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace firn::volume::posix {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
/// Larger than any small file of ours; anything beyond is not one.
constexpr std::size_t kSmallFileBytesMax = 16U << 20;

std::string parent_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

Result<> write_all(int file, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure(errno, "write " + path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Error failure(int error_number, const std::string& what) {
  Errc code = Errc::io_error;
  if (error_number == ENOENT) code = Errc::not_found;
  if (error_number == ENOSPC || error_number == EDQUOT) code = Errc::drive_full;
  return error(code, what + ": " + std::generic_category().message(error_number));
}

FileDescriptor::~FileDescriptor() {
  if (value_ >= 0) ::close(value_);
}

Result<OpenedFile> open_file(const std::string& path, Disk::Open how) {
  const int flags = O_RDWR | O_CLOEXEC | (how == Disk::Open::create ? O_CREAT : 0);
  OpenedFile opened;
  int file = ::open(path.c_str(), flags | O_DIRECT, kFileMode);
  if (file < 0 && errno == EINVAL) {
    opened.direct = false;
    file = ::open(path.c_str(), flags, kFileMode);
  }
  if (file < 0) return failure(errno, "open " + path);
  opened.file = std::make_shared<FileDescriptor>(file);
  return opened;
}

Result<> preallocate(int file, const std::string& path, std::uint64_t size_bytes) {
  struct stat status{};
  if (::fstat(file, &status) != 0) return failure(errno, "stat " + path);
  int failed = ::fallocate(file, 0, 0, static_cast<off_t>(size_bytes)) == 0 ? 0 : errno;
  if (failed == EOPNOTSUPP) failed = ::posix_fallocate(file, 0, static_cast<off_t>(size_bytes));
  if (failed != 0) return failure(failed, "preallocate " + path);
  // As large as it should be: then nothing was changed, the call only waited for direct writes under way.
  if (static_cast<std::uint64_t>(status.st_size) >= size_bytes) return {};
  if (::fsync(file) != 0) return failure(errno, "fsync " + path);
  return {};
}

Result<std::vector<std::string>> list(const std::string& directory) {
  DIR* handle = ::opendir(directory.c_str());
  if (handle == nullptr) return failure(errno, "open directory " + directory);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(handle)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  const int failed = errno;
  ::closedir(handle);
  if (failed != 0) return failure(failed, "read directory " + directory);
  return names;
}

Result<> make_directories(const std::string& directory) {
  if (::mkdir(directory.c_str(), kDirectoryMode) == 0) return sync_directory(parent_of(directory));
  if (errno == ENOENT) {
    if (auto made = make_directories(parent_of(directory)); !made) return made;
    if (::mkdir(directory.c_str(), kDirectoryMode) == 0) return sync_directory(parent_of(directory));
  }
  const int failed = errno;
  struct stat status{};
  if (failed == EEXIST && ::stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  return failure(failed == ENOENT ? EIO : failed, "make directory " + directory);
}

Result<std::string> read_small(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value() < 0) return failure(errno, "open " + path);
  std::string content;
  char piece[4096];
  for (;;) {
    const ssize_t count = ::read(file.value(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure(errno, "read " + path);
    if (count == 0) return content;
    content.append(piece, static_cast<std::size_t>(count));
    if (content.size() > kSmallFileBytesMax) return error(Errc::corrupt, path + ": too large");
  }
}

Result<> replace_small(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".tmp";
  {
    const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
    if (file.value() < 0) return failure(errno, "create " + temporary);
    if (auto written = write_all(file.value(), temporary, content); !written) return written;
    if (::fsync(file.value()) != 0) return failure(errno, "fsync " + temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failure(errno, "rename " + temporary);
  return sync_directory(parent_of(path));
}

Result<> remove(const std::string& path) {
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
  if (failed) return failure(failed.value(), "remove " + path);
  return {};
}

Result<> sync_directory(const std::string& directory) {
  const FileDescriptor handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.value() < 0) return failure(errno, "open directory " + directory);
  if (::fsync(handle.value()) != 0) return failure(errno, "fsync directory " + directory);
  return {};
}

Result<DiskSpace> space(const std::string& directory) {
  struct statvfs status{};
  if (::statvfs(directory.c_str(), &status) != 0) return failure(errno, "statvfs " + directory);
  return DiskSpace{.total_bytes = status.f_blocks * status.f_frsize, .free_bytes = status.f_bavail * status.f_frsize};
}

Result<std::shared_ptr<FileDescriptor>> lock(const std::string& path) {
  auto file = std::make_shared<FileDescriptor>(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
  if (file->value() < 0) return failure(errno, "open " + path);
  if (::flock(file->value(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return error(Errc::already_exists, path + " is held by another process");
    return failure(errno, "lock " + path);
  }
  return file;
}

}  // namespace firn::volume::posix
