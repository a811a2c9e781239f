#include <gtest/gtest.h>
#include <sys/mount.h>

#include <fstream>
#include <map>

#include "files/crash_point.h"
#include "test_cluster.h"

/// The log of a cluster's node on drives that fail, vanish and lie.
namespace firn::metadata {
namespace {

namespace fs = std::filesystem;

class ClusterDrives : public testing::Test {
 protected:
  ClusterDrives() : cluster_(1) {
    cluster_.options.local.flush_at_stop = false;  // So that what is acknowledged is in the log alone.
    cluster_.begin(1);
  }

  void put(int from, int to, std::size_t bytes = 100) {
    for (int i = from; i < to; ++i) {
      const Result<> done =
          cluster_.run(cluster_.client(1).put_config("k" + std::to_string(i), std::string(bytes, 'x')));
      ASSERT_TRUE(done) << done.error().detail;
    }
  }
  void expect_all(int count) {
    for (int i = 0; i < count; ++i) {
      const Result<std::string> found = cluster_.run(cluster_.client(1).find_config("k" + std::to_string(i)));
      ASSERT_TRUE(found) << i << ": " << found.error().detail;
    }
  }
  void restart() {
    cluster_.stop(1);
    const Result<> started = cluster_.start(1);
    ASSERT_TRUE(started) << started.error().detail;
  }
  std::size_t members() { return cluster_.node(1).status().members.size(); }
  fs::path log_of(std::uint16_t drive) { return cluster_.drive(1, drive) / "meta" / "raft"; }
  /// How many files of the drive's log this process has open, deleted ones too.
  std::size_t open_files_of(std::uint16_t drive) {
    std::size_t open = 0;
    for (const fs::directory_entry& file : fs::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      open += fs::read_symlink(file, gone).string().starts_with(log_of(drive).string() + "/");
    }
    return open;
  }
  std::map<std::string, std::uintmax_t> files_of(std::uint16_t drive) {
    std::map<std::string, std::uintmax_t> sizes;
    for (const fs::directory_entry& file : fs::directory_iterator(log_of(drive))) {
      sizes[file.path().filename()] = file.file_size();
    }
    return sizes;
  }
  /// Changes a byte of the log's newest file, `back` bytes before the end of what was written.
  void flip(std::uint16_t drive, std::size_t back) {
    fs::path newest;
    for (const fs::directory_entry& file : fs::directory_iterator(log_of(drive))) {
      if (file.path().extension() == ".raftlog" && file.path() > newest) newest = file.path();
    }
    std::string bytes;
    {
      std::ifstream in(newest, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    const std::size_t end = bytes.find_last_not_of('\0');
    ASSERT_TRUE(end != std::string::npos && end > back);
    bytes[end - back] = static_cast<char>(bytes[end - back] ^ 0x10);
    std::ofstream(newest, std::ios::binary) << bytes;
  }

  TestCluster cluster_;
};

TEST_F(ClusterDrives, ADriveWhoseLogCantBeWrittenLeavesAndNothingAcknowledgedIsLost) {
  put(0, 5);
  fs::remove_all(log_of(0));
  // The next file of the log can't be made there.
  put(5, 40, 100 << 10);
  EXPECT_EQ(members(), 1u);
  EXPECT_TRUE(cluster_.wait_until([this] { return open_files_of(0) == 0; }))
      << "what was deleted still takes its space";
  restart();
  expect_all(40);
  EXPECT_TRUE(cluster_.wait_until([this] { return members() == 2; }));
}

TEST_F(ClusterDrives, ADriveThatLeavesHasNoFileOfTheLogOpenAndEachAsItWas) {
  put(0, 5);
  ASSERT_GT(open_files_of(0), 0u);
  const auto files = files_of(0);
  cluster_.node(1).drive_failed(DriveIndex{0});
  EXPECT_TRUE(cluster_.wait_until([this] { return members() == 1 && open_files_of(0) == 0; }));
  EXPECT_EQ(files_of(0), files) << "a drive that failed was written to";
  put(5, 10);
  restart();
  expect_all(10);
  EXPECT_TRUE(cluster_.wait_until([this] { return members() == 2; }));
}

/// A file system of its own on a folder, so small that it runs full.
class SmallFileSystem {
 public:
  explicit SmallFileSystem(fs::path folder) : folder_(std::move(folder)) {
    there_ = ::mount("firn-test", folder_.c_str(), "tmpfs", 0, "size=24m") == 0;
  }
  ~SmallFileSystem() {
    if (there_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallFileSystem(const SmallFileSystem&) = delete;
  SmallFileSystem& operator=(const SmallFileSystem&) = delete;
  bool there() const { return there_; }

 private:
  const fs::path folder_;
  bool there_ = false;
};

TEST_F(ClusterDrives, AFullDriveIsLetGoOfWhenItLeavesAndKeptWhenTheNodeStops) {
  put(0, 5);
  cluster_.stop(1);
  const SmallFileSystem small(cluster_.drive(1, 0));
  if (!small.there()) GTEST_SKIP() << "file systems can't be mounted here";
  ASSERT_TRUE(cluster_.start(1));
  ASSERT_TRUE(cluster_.wait_until([this] { return members() == 2; }));
  const auto fill = [&] {
    std::ofstream file(cluster_.drive(1, 0) / "filler", std::ios::binary);
    const std::string block(1 << 20, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  };
  const auto begin_put = [this](int i) {
    return boost::asio::co_spawn(cluster_.runtime().io(0),
                                 cluster_.client(1).put_config("k" + std::to_string(i), std::string(100 << 10, 'x')),
                                 boost::asio::use_future);
  };
  fill();
  std::vector<std::future<Result<>>> waiting;
  for (int i = 5; i < 40; ++i) waiting.push_back(begin_put(i));
  EXPECT_EQ(waiting.back().wait_for(std::chrono::seconds(1)), std::future_status::timeout) << "it is not full";
  cluster_.stop(1);
  waiting.clear();
  fs::remove(cluster_.drive(1, 0) / "filler");
  ASSERT_TRUE(cluster_.start(1));
  EXPECT_EQ(members(), 2u) << "a full drive was taken for a bad one";

  fill();
  for (int i = 5; i < 40; ++i) waiting.push_back(begin_put(i));
  EXPECT_EQ(waiting.back().wait_for(std::chrono::seconds(1)), std::future_status::timeout) << "it is not full";
  cluster_.node(1).drive_failed(DriveIndex{0});
  EXPECT_EQ(waiting.back().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  fs::remove(cluster_.drive(1, 0) / "filler");
  for (auto& done : waiting) EXPECT_TRUE(done.get());
  expect_all(40);
  cluster_.stop(1);
}

TEST_F(ClusterDrives, ALogThatIsGoneOnOneDriveIsFilledFromTheOther) {
  for (const std::uint16_t gone : {0, 1}) {
    put(gone * 20, gone * 20 + 20);
    cluster_.stop(1);
    fs::remove_all(log_of(gone));
    ASSERT_TRUE(cluster_.start(1));
    expect_all(gone * 20 + 20);
    // What was filled is enough alone.
    EXPECT_TRUE(cluster_.wait_until([this] { return members() == 2; }));
    cluster_.node(1).drive_failed(DriveIndex{static_cast<std::uint16_t>(1 - gone)});
    EXPECT_TRUE(cluster_.wait_until([this] { return members() == 1; }));
    restart();
    expect_all(gone * 20 + 20);
    EXPECT_TRUE(cluster_.wait_until([this] { return members() == 2; }));
  }
}

TEST_F(ClusterDrives, ADamagedCopyOfTheLogIsFoundOutWhereverTheDamageIs) {
  int count = 0;
  for (const std::uint16_t damaged : {0, 1}) {
    for (const std::size_t back : {2, 150, 2'000}) {
      put(count, count + 20);
      count += 20;
      cluster_.stop(1);
      flip(damaged, back);
      const Result<> started = cluster_.start(1);
      ASSERT_TRUE(started) << started.error().detail;
      expect_all(count);
      EXPECT_TRUE(cluster_.wait_until([this] { return members() == 2; }));
    }
  }
}

TEST_F(ClusterDrives, DrivesOfAnotherNodeAreRefused) {
  cluster_.stop(1);
  TestCluster other(2);
  other.begin(1);
  other.stop(1);
  for (std::uint16_t i = 0; i < 2; ++i) {
    fs::create_directories(other.drive(2, i).parent_path());
    fs::rename(other.drive(1, i), other.drive(2, i));
  }
  EXPECT_EQ(other.start(2).code(), Errc::invalid_argument);
}

/// The first look of a wiped node's new state in its place fails on both drives, as if the process ended there.
TEST(ClusterSnapshot, ThatWasCutShortIsPutInPlaceByTheNextStart) {
  TestCluster cluster(3);
  cluster.options.entries_kept = 10;
  const CrashHook block = [&](const char* point) {
    if (std::string_view(point) != "snapshot: old state removed") return;
    for (std::uint16_t i = 0; i < 2; ++i) {
      fs::create_directories(cluster.drive(3, i) / "meta" / "state" / "in-the-way");
    }
  };
  crash_hook.store(&block);
  cluster.begin(3);
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(cluster.run(cluster.client(1).put_config("k" + std::to_string(i), "value")));
  }
  cluster.wipe(3);
  ASSERT_TRUE(cluster.join(3));
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.node(3).status().failed; }));
  cluster.stop(3);
  crash_hook.store(nullptr);
  const Result<> started = cluster.start(3);
  ASSERT_TRUE(started) << started.error().detail;
  for (int i = 0; i < 30; ++i) {
    const Result<std::string> found = cluster.run(cluster.client(3).find_config("k" + std::to_string(i)));
    EXPECT_TRUE(found) << i;
  }
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.voters() == 3; }));
}

}  // namespace
}  // namespace firn::metadata
