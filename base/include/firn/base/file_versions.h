#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace firn {

/// What tells one content of some files from another without reading them: inode and time of change. Files that are
/// renamed into place and links that are turned elsewhere are seen too; a file that is not there has its own value.
struct FileVersion {
  std::uint64_t inode = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const FileVersion&) const = default;
};
/// One stat call each.
std::vector<FileVersion> file_versions(const std::vector<std::string>& paths);

}  // namespace firn
