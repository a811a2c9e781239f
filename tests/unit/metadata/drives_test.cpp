#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "machine.h"
#include "test_node.h"

/// Drives that go, come back, and lie.
namespace firn::metadata {
namespace {

namespace fs = std::filesystem;

class MetadataDrives : public testing::Test {
 protected:
  MetadataDrives() : node_(6, 2) { start(); }
  void start() {
    const Result<> started = node_.start();
    ASSERT_TRUE(started) << started.error().detail;
    const auto found = node_.run(node_.client().find_bucket("b"));
    bucket_ = found ? found->id : node_.run(node_.client().create_bucket("b", "")).value().id;
  }
  void put(int from, int to, std::size_t bytes = 100) {
    for (int i = from; i < to; ++i) {
      const auto done =
          node_.run(node_.client().put_object(put_inline(bucket_, "k" + std::to_string(i), body(i, bytes))));
      ASSERT_TRUE(done) << done.error().detail;
    }
  }
  static std::string body(int i, std::size_t bytes) { return std::string(bytes, 'a') + std::to_string(i); }
  void expect_all(int count, std::size_t bytes = 100) {
    for (int i = 0; i < count; ++i) {
      const auto found = node_.run(node_.client().find_object(bucket_, "k" + std::to_string(i), true));
      ASSERT_TRUE(found) << i << ": " << found.error().detail;
      EXPECT_EQ(as_text(found->inline_bodies.at(0).bytes), body(i, bytes));
    }
  }
  /// What is put from now on is in the log alone when the node stops.
  void leave_log() {
    node_.options.flush_at_stop = false;
    start();
  }
  std::vector<std::uint16_t> members() {
    std::vector<std::uint16_t> all;
    for (const DriveIndex drive : node_.node().status().members) all.push_back(drive.value);
    return all;
  }
  bool full_size() {
    return node_.wait_until([this] { return node_.node().status().full_size; });
  }
  fs::path meta(std::uint16_t drive) { return node_.drive(drive) / "meta"; }
  static void flip(const fs::path& file, std::uint64_t offset) { ASSERT_TRUE(flipped(file, offset)); }
  /// False when there is no such byte, or no such file.
  static bool flipped(const fs::path& file, std::uint64_t offset) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(byte);
    return stream.good();
  }
  std::vector<fs::path> state_files(std::uint16_t drive, const std::string& suffix) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(meta(drive) / "state")) {
      if (entry.path().string().ends_with(suffix)) files.push_back(entry.path());
    }
    return files;
  }

  /// One bit in every table and blob file of the drive.
  void damage_tables(std::uint16_t drive) {
    int damaged = 0;
    for (const char* suffix : {".sst", ".blob"}) {
      for (const fs::path& file : state_files(drive, suffix)) {
        // One that has been replaced may go at any time.
        std::error_code gone;
        const std::uintmax_t bytes = fs::file_size(file, gone);
        if (!gone && flipped(file, bytes / 3)) ++damaged;
      }
    }
    ASSERT_GT(damaged, 0);
  }

  TestNode node_;
  BucketId bucket_;
};

TEST_F(MetadataDrives, HoldLogAndStateOnOneMoreThanMayBeLost) {
  EXPECT_EQ(members(), (std::vector<std::uint16_t>{0, 1, 2}));
  EXPECT_TRUE(fs::exists(meta(5) / "logset"));
  EXPECT_FALSE(fs::exists(meta(5) / "log" / "0001.log"));
}

TEST_F(MetadataDrives, AreReplacedInTheLogSetWhenTheirFolderVanishes) {
  put(0, 50);
  fs::remove_all(node_.drive(1));
  put(50, 100);
  ASSERT_TRUE(full_size());
  EXPECT_EQ(members(), (std::vector<std::uint16_t>{0, 2, 3}));
  EXPECT_EQ(node_.failed_drives(), std::vector<std::uint16_t>{1});
  // What was written before and after is on the new member too.
  fs::remove_all(node_.drive(0));
  put(100, 110);
  ASSERT_TRUE(full_size());
  fs::remove_all(node_.drive(2));
  EXPECT_EQ(node_.start().code(), Errc::durability_unavailable);
}

TEST_F(MetadataDrives, MayDieOneAfterAnotherAsLongAsTheRestIsFilledBetween) {
  put(0, 50);
  for (std::uint16_t drive : {0, 1}) {
    node_.node().drive_failed(DriveIndex{drive});
    ASSERT_TRUE(node_.wait_until([&] { return !std::ranges::count(members(), drive); }));
    ASSERT_TRUE(full_size());
  }
  put(50, 100);
  node_.stop();
  fs::remove_all(node_.drive(0));
  fs::remove_all(node_.drive(1));
  start();
  expect_all(100);
}

TEST_F(MetadataDrives, ComeBackEmptyAndAreFilled) {
  put(0, 50);
  node_.node().drive_failed(DriveIndex{0});
  ASSERT_TRUE(node_.wait_until([&] { return !std::ranges::count(members(), 0); }) && full_size());
  fs::remove_all(node_.drive(0));
  fs::create_directory(node_.drive(0));
  node_.node().drive_returned(DriveIndex{0}, node_.drive(0));
  ASSERT_TRUE(node_.wait_until([&] { return node_.node().status().living.size() == 6; }));
  node_.node().drive_failed(DriveIndex{1});
  ASSERT_TRUE(node_.wait_until([&] { return !std::ranges::count(members(), 1); }) && full_size());
  put(50, 60);
  node_.stop();
  fs::remove_all(node_.drive(1));
  fs::remove_all(node_.drive(2));
  start();
  expect_all(60);
}

TEST_F(MetadataDrives, ThatMissedTheLatestAreNotStartedFrom) {
  put(0, 20);
  node_.stop();
  // Drive 0 is away while drives 1 to 5 go on.
  fs::rename(node_.drive(0), node_.path() / "away");
  start();
  put(20, 40);
  ASSERT_TRUE(full_size());
  node_.stop();
  fs::rename(node_.path() / "away", node_.drive(0));
  fs::remove_all(node_.drive(1));
  fs::remove_all(node_.drive(2));
  start();
  expect_all(40);
}

TEST_F(MetadataDrives, TooFewToBeSureAreRefusedUntilTheOperatorInsists) {
  put(0, 20);
  node_.stop();
  for (std::uint16_t drive : {3, 4, 5}) fs::remove_all(node_.drive(drive));
  EXPECT_EQ(node_.start().code(), Errc::durability_unavailable);
  node_.options.trust_highest_log_set = true;
  start();
  expect_all(20);
}

TEST_F(MetadataDrives, OfAnotherNodeAreRefused) {
  TestNode other(6, 2);
  ASSERT_TRUE(other.start());
  other.stop();
  node_.stop();
  fs::remove_all(node_.drive(4));
  fs::rename(other.drive(4), node_.drive(4));
  EXPECT_EQ(node_.start().code(), Errc::durability_unavailable);
}

TEST_F(MetadataDrives, AreUsedByOneProcessAlone) {
  Node::Options options = node_.options;
  options.drives.clear();
  for (std::uint16_t i = 0; i < 6; ++i) options.drives.push_back({DriveIndex{i}, node_.drive(i)});
  EXPECT_EQ(Node::open(node_.runtime(), options, {}).code(), Errc::already_exists);
}

TEST_F(MetadataDrives, WithADamagedLogAreRepairedFromTheOthers) {
  leave_log();
  put(0, 50);
  node_.stop();
  for (std::uint64_t offset = 4096; offset < 40 * 4096; offset += 4096) flip(meta(0) / "log" / "0001.log", offset + 70);
  start();
  expect_all(50);
  node_.stop();
  fs::remove_all(node_.drive(1));
  fs::remove_all(node_.drive(2));
  start();
  expect_all(50);
}

TEST_F(MetadataDrives, WithALogDamagedEverywhereInTheMiddleAreRefused) {
  leave_log();
  put(0, 50);
  node_.stop();
  for (std::uint16_t drive : {0, 1, 2}) flip(meta(drive) / "log" / "0001.log", 10 * 4096 + 70);
  EXPECT_EQ(node_.start().code(), Errc::corrupt);
}

TEST_F(MetadataDrives, WithDamagedTablesAnswerFromAnotherCopyAndAreRepaired) {
  put(0, 400, 3'000);
  start();  // Flushed, and nothing of it is in the cache.
  damage_tables(0);
  expect_all(400, 3'000);
  EXPECT_GT(node_.node().status().copies_repaired, 0u);
  // What nobody has read is repaired by whoever reads everything.
  ASSERT_EQ(node_.run(node_.node().verify())->problems, 0u);
  node_.stop();
  fs::remove_all(node_.drive(1));
  fs::remove_all(node_.drive(2));
  start();
  expect_all(400, 3'000);
}

TEST_F(MetadataDrives, WithTablesDamagedWhileStoppedAreRepairedByAVerify) {
  put(0, 400, 3'000);
  node_.stop();
  damage_tables(0);
  start();
  expect_all(400, 3'000);
  ASSERT_EQ(node_.run(node_.node().verify())->problems, 0u);
  const auto again = node_.run(node_.node().verify());
  EXPECT_EQ(again->copies_repaired, 0u);
  node_.stop();
  fs::remove_all(node_.drive(1));
  fs::remove_all(node_.drive(2));
  start();
  expect_all(400, 3'000);
}

TEST_F(MetadataDrives, WithDamagedTablesStayMembersWhenSeveralRepairThemAtOnce) {
  put(0, 400, 3'000);
  start();
  for (int round = 0; round < 8; ++round) {
    damage_tables(0);
    std::vector<std::thread> verifying;
    for (int i = 0; i < 4; ++i) {
      verifying.emplace_back([&] { EXPECT_EQ(node_.run(node_.node().verify())->problems, 0u); });
    }
    for (std::thread& thread : verifying) thread.join();
  }
  EXPECT_EQ(node_.failed_drives(), std::vector<std::uint16_t>{});
  expect_all(400, 3'000);
}

TEST_F(MetadataDrives, WithTablesDamagedEverywhereAnswerAnErrorAndNeverWrongBytes) {
  put(0, 400, 3'000);
  start();
  for (std::uint16_t drive : {0, 1, 2}) damage_tables(drive);
  int errors = 0;
  for (int i = 0; i < 400; ++i) {
    const auto found = node_.run(node_.client().find_object(bucket_, "k" + std::to_string(i), true));
    if (found) {
      EXPECT_EQ(as_text(found->inline_bodies.at(0).bytes), body(i, 3'000));
    } else {
      EXPECT_EQ(found.code(), Errc::corrupt);
      ++errors;
    }
  }
  EXPECT_GT(errors, 0);
}

/// The manifest names the tables that the state is. Two bad copies that are alike do not outvote the good one.
TEST_F(MetadataDrives, WithTheManifestDamagedAlikeOnMostLeaveAndAreReplacedFromTheGoodOne) {
  put(0, 50);
  for (std::uint16_t drive : {0, 1}) {
    for (const fs::path& file : state_files(drive, "")) {
      if (file.filename().string().starts_with("MANIFEST")) flip(file, fs::file_size(file) / 2);
    }
  }
  ASSERT_TRUE(node_.run(node_.node().verify()));
  EXPECT_THAT(node_.failed_drives(), testing::UnorderedElementsAre(0, 1));
  ASSERT_TRUE(node_.wait_until([&] { return members().size() == 3; }));
  EXPECT_THAT(members(), testing::Contains(2));
  node_.stop();
  start();
  expect_all(50);
}

TEST_F(MetadataDrives, ThatLostTheirStateAreFilledFromTheOthers) {
  put(0, 50);
  node_.stop();
  fs::remove_all(meta(0) / "state");
  start();
  expect_all(50);
  ASSERT_TRUE(full_size());
}

TEST_F(MetadataDrives, ThatLostFilesOfTheirStateDoNotTakeThemFromTheOthers) {
  put(0, 50, 4'000);
  for (const char* suffix : {".blob", ".sst"}) {
    node_.stop();
    ASSERT_FALSE(state_files(0, suffix).empty());
    for (const fs::path& file : state_files(0, suffix)) fs::remove(file);
    start();
    expect_all(50, 4'000);
    ASSERT_EQ(node_.run(node_.node().verify())->problems, 0u);
    ASSERT_TRUE(full_size());
  }
}

TEST_F(MetadataDrives, LetGoOfLogThatTheStateCovers) {
  leave_log();
  put(0, 3'000, 6'000);
  ASSERT_TRUE(node_.wait_until([&] { return node_.node().status().persisted_index > 1'000; }));
  EXPECT_LT(node_.node().status().log_bytes, 20u << 20);
  node_.stop();
  start();
  expect_all(3'000, 6'000);
}

TEST_F(MetadataDrives, AreRestoredFromABackup) {
  put(0, 50);
  const fs::path file = node_.path() / "backup";
  ASSERT_TRUE(node_.run(node_.node().backup(file)));
  put(50, 60);
  const auto lease = node_.run(node_.client().register_gateway({}));
  node_.stop();

  TestNode restored(6, 2);
  Node::Options options = restored.options;
  for (std::uint16_t i = 0; i < 6; ++i) options.drives.push_back({DriveIndex{i}, restored.drive(i)});
  const Result<> done = Node::restore(restored.runtime(), options, file);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(Node::restore(restored.runtime(), options, file).code(), Errc::already_exists);
  ASSERT_TRUE(restored.start());
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(restored.run(restored.client().find_object(bucket_, "k" + std::to_string(i), true)).has_value(), i < 50);
  }
  const auto put = restored.run(restored.client().put_object(put_inline(bucket_, "new", "x")));
  ASSERT_TRUE(put);
  EXPECT_EQ(put->order.shard_epoch, 2u);
  EXPECT_GT(restored.run(restored.client().register_gateway({})).value().value, lease->value);
  EXPECT_EQ(restored.run(restored.node().verify())->problems, 0u);
}

TEST_F(MetadataDrives, GiveOutOtherNumbersAfterEachRestoreOfOneBackup) {
  ASSERT_TRUE(node_.run(node_.client().put_cluster_map(six_drives(1, 7))));
  const fs::path file = node_.path() / "backup";
  ASSERT_TRUE(node_.run(node_.node().backup(file)));
  const auto map = Node::inspect_backup(file);
  ASSERT_TRUE(map) << map.error().detail;
  EXPECT_EQ(map->sets.at(0).epoch.value, 7u);

  std::uint64_t lease_before = 0;
  for (int round = 0; round < 2; ++round) {
    TestNode restored(6, 2);
    Node::Options options = restored.options;
    for (std::uint16_t i = 0; i < 6; ++i) options.drives.push_back({DriveIndex{i}, restored.drive(i)});
    ASSERT_TRUE(Node::restore(restored.runtime(), options, file));
    ASSERT_TRUE(restored.start());
    const auto lease = restored.run(restored.client().register_gateway({}));
    EXPECT_GT(lease.value().value, lease_before + 1'000);
    lease_before = lease->value;
    EXPECT_GT(restored.run(restored.client().cluster_map())->sets.at(0).epoch.value, 7u + 60'000);
    EXPECT_EQ(restored.run(restored.node().verify())->problems, 0u);
  }
}

TEST_F(MetadataDrives, RefuseABackupThatWasDamaged) {
  put(0, 50);
  const fs::path file = node_.path() / "backup";
  ASSERT_TRUE(node_.run(node_.node().backup(file)));
  flip(file, fs::file_size(file) / 2);
  TestNode restored(6, 2);
  Node::Options options = restored.options;
  for (std::uint16_t i = 0; i < 6; ++i) options.drives.push_back({DriveIndex{i}, restored.drive(i)});
  EXPECT_EQ(Node::restore(restored.runtime(), options, file).code(), Errc::corrupt);
}

}  // namespace
}  // namespace firn::metadata
