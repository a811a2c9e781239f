#include "firn/base/file_versions.h"

#include <sys/stat.h>

namespace firn {

std::vector<FileVersion> file_versions(const std::vector<std::string>& paths) {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  std::vector<FileVersion> versions;
  for (const auto& path : paths) {
    FileVersion version;
    struct stat file{};
    if (::stat(path.c_str(), &file) == 0) {
      version.inode = file.st_ino;
      version.changed_ns = file.st_mtim.tv_sec * kNanosecondsPerSecond + file.st_mtim.tv_nsec;
    }
    versions.push_back(version);
  }
  return versions;
}

}  // namespace firn
