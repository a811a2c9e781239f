#include "store/state_mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "firn/base/checksum.h"
#include "firn/base/digest.h"
#include "rows/bytes.h"
#include "rows/try.h"
#include "store/mirror_file_system.h"
#include "store/rocks_store.h"
#include "store/state_guard.h"
#include "test_node.h"

namespace firn::metadata {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

/// A directory whose reads fail with EIO while `broken` says so, of files that were opened before, too, and that has no
/// space for anything while `full` does.
class FailingDirectory final : public StateDirectory {
 public:
  explicit FailingDirectory(const std::filesystem::path& path) : real_(*open_state_directory(path)) {}
  std::atomic<bool> broken{false};
  std::atomic<bool> full{false};
  mutable std::atomic<int> refused{0};  ///< Calls that found no space.
  std::function<void()> before_digest;  ///< Run once, when a file is about to be compared.

  Result<std::unique_ptr<StateFile>> create(const std::string& name) override {
    TRY(find_space());
    return wrap(real_->create(name));
  }
  Result<std::unique_ptr<StateFile>> open(const std::string& name) override { return wrap(real_->open(name)); }
  Result<std::vector<std::string>> list() override { return real_->list(); }
  Result<std::uint64_t> size(const std::string& name) override { return real_->size(name); }
  Result<> remove(const std::string& name) override { return real_->remove(name); }
  Result<> rename(const std::string& from, const std::string& to) override { return real_->rename(from, to); }
  Result<> sync_names() override { return real_->sync_names(); }
  Result<std::uint64_t> xxh3_on_drive(const std::string& name, std::uint64_t bytes) override {
    if (before_digest) std::exchange(before_digest, nullptr)();
    return real_->xxh3_on_drive(name, bytes);
  }

 private:
  class File final : public StateFile {
   public:
    File(const FailingDirectory& directory, std::unique_ptr<StateFile> real)
        : directory_(directory), real_(std::move(real)) {}
    Result<> write(std::uint64_t offset, ByteView bytes) override {
      TRY(directory_.find_space());
      return real_->write(offset, bytes);
    }
    Result<> sync() override { return real_->sync(); }
    Result<> truncate(std::uint64_t bytes) override { return real_->truncate(bytes); }
    Result<std::size_t> read(std::uint64_t offset, MutableBytes bytes) const override {
      if (directory_.broken) return error(Errc::io_error, "broken");
      return real_->read(offset, bytes);
    }

   private:
    const FailingDirectory& directory_;
    std::unique_ptr<StateFile> real_;
  };
  Result<> find_space() const {
    if (!full) return {};
    ++refused;
    return error(Errc::insufficient_storage, "full");
  }
  Result<std::unique_ptr<StateFile>> wrap(Result<std::unique_ptr<StateFile>> file) {
    if (!file) return file;
    return std::unique_ptr<StateFile>(std::make_unique<File>(*this, std::move(*file)));
  }

  std::unique_ptr<StateDirectory> real_;
};

/// Two members with a file that is complete and one that is being written, and a third drive to be filled.
class StateMirrorJoin : public testing::Test {
 protected:
  StateMirrorJoin() {
    for (std::uint16_t i = 0; i < 3; ++i) {
      directories.push_back(std::make_shared<FailingDirectory>(folder.path() / std::to_string(i)));
    }
    const auto lost_drive = [this](DriveIndex drive, const Error&) {
      lost.push_back(drive.value);
      mirror->drop(drive);
      return Result<>();
    };
    mirror = std::make_unique<StateMirror>(std::vector<StateMirror::Member>{member(0), member(1)},
                                           StateMirror::Events{.lost = lost_drive, .full = {}});
    EXPECT_TRUE((*mirror->create("000007.sst"))->append(as_bytes("a table")));
    writing = *mirror->create("MANIFEST-000001");
    EXPECT_TRUE(writing->append(as_bytes("first ")));
  }

  StateMirror::Member member(std::uint16_t drive) const { return {DriveIndex{drive}, directories[drive]}; }
  std::string content(std::uint16_t drive, const std::string& name) const {
    std::string text(100, '\0');
    const auto file = directories[drive]->open(name);
    if (!file) return "none";
    const auto count = (*file)->read(0, std::as_writable_bytes(std::span(text)));
    return text.substr(0, count.value_or(0));
  }

  TempDirectory folder;
  std::vector<std::shared_ptr<FailingDirectory>> directories;
  std::vector<int> lost;
  std::unique_ptr<StateMirror> mirror;
  std::unique_ptr<MirrorWriter> writing;
};

TEST_F(StateMirrorJoin, BlamesTheMemberThatCouldNotBeReadAndFillsFromAnother) {
  directories[0]->broken = true;
  EXPECT_EQ(mirror->join(member(2), {}).code(), Errc::drive_out);
  EXPECT_THAT(lost, ElementsAre(0));
  EXPECT_TRUE(mirror->join(member(2), {}));
  EXPECT_TRUE(writing->append(as_bytes("second")));
  EXPECT_EQ(content(2, "MANIFEST-000001"), "first second");
  EXPECT_EQ(content(2, "000007.sst"), "a table");
  EXPECT_THAT(lost, ElementsAre(0));
}

TEST_F(StateMirrorJoin, DoesNotReadFromAMemberThatLeftSinceTheLastWrite) {
  directories[0]->broken = true;
  mirror->drop(DriveIndex{0});
  EXPECT_TRUE(mirror->join(member(2), {}));
  EXPECT_EQ(content(2, "MANIFEST-000001"), "first ");
  EXPECT_THAT(lost, IsEmpty());
}

TEST_F(StateMirrorJoin, CopiesAFileBeingWrittenFromAMemberThatHasItAsItWasWritten) {
  std::ofstream(folder.path() / "0" / "MANIFEST-000001") << "worse ";
  EXPECT_TRUE(mirror->join(member(2), {}));
  EXPECT_TRUE(writing->append(as_bytes("second")));
  EXPECT_EQ(content(2, "MANIFEST-000001"), "first second");
}

TEST_F(StateMirrorJoin, KeepsTheLastMemberThoughItCantBeRead) {
  mirror->drop(DriveIndex{1});
  directories[0]->broken = true;
  EXPECT_EQ(mirror->join(member(2), {}).code(), Errc::durability_unavailable);
  EXPECT_THAT(lost, IsEmpty());
  EXPECT_EQ(mirror->members().size(), 1U);
}

/// Between two instructions of an append there is time for a whole join: drives come and go until one has been there.
TEST_F(StateMirrorJoin, WaitsNoLongerForSpaceOnADriveThatHasLeft) {
  directories[1]->full = true;
  auto appended = std::async(std::launch::async, [this] { return writing->append(as_bytes("second")); });
  while (directories[1]->refused == 0) std::this_thread::yield();
  mirror->drop(DriveIndex{1});
  EXPECT_EQ(appended.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  directories[1]->full = false;
  EXPECT_TRUE(appended.get());
  EXPECT_EQ(content(0, "MANIFEST-000001"), "first second");
  EXPECT_THAT(lost, IsEmpty());
}

TEST_F(StateMirrorJoin, KeepsDrivesThatAreFullWhenAStopComes) {
  directories[1]->full = true;
  mirror->stop_waiting();
  EXPECT_EQ(writing->append(as_bytes("second")).code(), Errc::insufficient_storage);
  EXPECT_EQ(writing->sync().code(), Errc::insufficient_storage) << "one copy lacks what was written";
  EXPECT_EQ(mirror->create("000009.sst").code(), Errc::insufficient_storage);
  EXPECT_THAT(lost, IsEmpty());
  EXPECT_EQ(mirror->members().size(), 2U);
}

TEST_F(StateMirrorJoin, GivesADriveEveryByteOfAFileThatGrowsMeanwhile) {
  constexpr int kJoins = 400;
  std::atomic<bool> stop{false};
  std::string written = "first ";
  std::thread writer([&] {
    for (unsigned i = 0; !stop; ++i) {
      const std::string record(1 + i % 7, static_cast<char>('a' + i % 26));
      written += record;
      ASSERT_TRUE(writing->append(as_bytes(record)));
    }
  });
  for (int i = 0; i < kJoins; ++i) {
    mirror->drop(DriveIndex{2});
    directories[2] = std::make_shared<FailingDirectory>(folder.path() / "2");
    ASSERT_TRUE(mirror->join(member(2), {}));
    // Two in a row: the second begins while the writer takes note of the first.
    mirror->drop(DriveIndex{1});
    directories[1] = std::make_shared<FailingDirectory>(folder.path() / "1");
    ASSERT_TRUE(mirror->join(member(1), {}));
    if (i == kJoins - 1) stop = true;
  }
  writer.join();
  for (std::uint16_t drive = 0; drive < 3; ++drive) {
    EXPECT_EQ(directories[drive]->xxh3_on_drive("MANIFEST-000001", written.size()).value_or(0), xxh3(as_bytes(written)))
        << "drive " << drive;
  }
}

TEST(StateGuardReadBack, SeesTheCopiesOfADriveThatJoinsMeanwhile) {
  TempDirectory folder;
  std::vector<std::shared_ptr<FailingDirectory>> directories;
  std::vector<StateMirror::Member> members;
  for (std::uint16_t i = 0; i < 2; ++i) {
    directories.push_back(std::make_shared<FailingDirectory>(folder.path() / std::to_string(i)));
    members.push_back({DriveIndex{i}, directories[i]});
  }
  StateMirror mirror({members[0]}, {});
  auto opened = RocksStore::open({.directory = kMirroredDirectory, .file_system = make_mirror_file_system(mirror)}, {});
  ASSERT_TRUE(opened) << opened.error().detail;
  const auto store = *std::move(opened);
  const RocksReader reader(*store, Wait::allowed);
  Transaction changes(reader);
  std::string body(300'000, '\0');  // More than the end that is compared when a drive joins.
  fill_random(std::as_writable_bytes(std::span(body)));
  changes.put(Family::config, "key", body);
  ASSERT_TRUE(store->commit(changes));
  ASSERT_TRUE(store->flush());
  std::string table;
  const std::vector<std::string> names = directories[0]->list().value();
  for (const std::string& name : names) {
    if (is_table(name) && *directories[0]->size(name) > body.size()) table = name;
  }
  ASSERT_NE(table, "");

  StateGuard guard(*store, mirror, {});
  directories[0]->before_digest = [&] {
    // The maintenance's doing: a drive comes with a copy of before that ends as it should, and is damaged.
    fs::copy_file(folder.path() / "0" / table, folder.path() / "1" / table);
    std::fstream(folder.path() / "1" / table, std::ios::in | std::ios::out | std::ios::binary).write("damaged", 7);
    EXPECT_TRUE(std::async(std::launch::async, [&] { return guard.join(members[1]).has_value(); }).get());
  };
  ASSERT_TRUE(guard.read_back());
  EXPECT_EQ(guard.counts().copies_repaired, 1u);
  const std::uint64_t bytes = *directories[0]->size(table);
  EXPECT_EQ(*directories[1]->xxh3_on_drive(table, bytes), *directories[0]->xxh3_on_drive(table, bytes));
}

}  // namespace
}  // namespace firn::metadata
