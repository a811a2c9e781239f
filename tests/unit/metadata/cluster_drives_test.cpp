#include <gtest/gtest.h>

#include <fstream>

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
  restart();
  expect_all(40);
  EXPECT_TRUE(cluster_.wait_until([this] { return members() == 2; }));
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
