#include "firn/base/file_versions.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace firn {
namespace {

namespace fs = std::filesystem;

class FileVersions : public testing::Test {
 protected:
  FileVersions() { fs::create_directories(folder_); }
  ~FileVersions() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    return (folder_ / name).string();
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "firn_file_versions";
};

TEST_F(FileVersions, StayWhileNothingChanges) {
  const std::vector<std::string> paths{write("a", "1"), write("b", "2")};
  EXPECT_EQ(file_versions(paths), file_versions(paths));
}

TEST_F(FileVersions, ChangeWhenAFileIsRenamedIntoPlace) {
  const std::vector<std::string> paths{write("a", "1"), write("b", "2")};
  const auto before = file_versions(paths);
  fs::rename(write("new", "1"), paths[1]);
  const auto after = file_versions(paths);
  EXPECT_EQ(after[0], before[0]);
  EXPECT_NE(after[1], before[1]);
}

// As secrets are mounted in a container: a link to the folder of the day.
TEST_F(FileVersions, ChangeWhenALinkOnTheWayIsTurned) {
  fs::create_directories(folder_ / "old");
  fs::create_directories(folder_ / "new");
  write("old/a", "1");
  write("new/a", "1");
  fs::create_directory_symlink("old", folder_ / "now");
  const std::vector<std::string> paths{(folder_ / "now" / "a").string()};
  const auto before = file_versions(paths);
  fs::create_directory_symlink("new", folder_ / "next");
  fs::rename(folder_ / "next", folder_ / "now");
  EXPECT_NE(file_versions(paths), before);
}

TEST_F(FileVersions, ChangeWhenAFileComesOrGoes) {
  const std::vector<std::string> paths{(folder_ / "a").string()};
  const auto absent = file_versions(paths);
  write("a", "1");
  EXPECT_NE(file_versions(paths), absent);
}

}  // namespace
}  // namespace firn
