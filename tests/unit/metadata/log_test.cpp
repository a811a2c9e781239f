#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <future>
#include <thread>

#include "firn/base/clock.h"
#include "log/single_node_log.h"
#include "test_node.h"

namespace firn::metadata {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A member's files, whose next write waits to be told how it ends.
class HeldDirectory final : public LogDirectory {
 public:
  explicit HeldDirectory(const std::filesystem::path& path) : real_(*open_log_directory(path)) {}

  Result<std::vector<std::uint32_t>> list() override { return real_->list(); }
  Result<> create(std::uint32_t slot, std::uint64_t bytes) override { return real_->create(slot, bytes); }
  Result<std::uint64_t> size(std::uint32_t slot) override { return real_->size(slot); }
  Result<> remove(std::uint32_t slot) override { return real_->remove(slot); }
  Result<> sync(std::uint32_t slot) override { return real_->sync(slot); }
  Result<> read(std::uint32_t slot, std::uint64_t offset, MutableBytes pages) override {
    return real_->read(slot, offset, pages);
  }
  Result<> write(std::uint32_t slot, std::uint64_t offset, ByteView pages) override {
    std::unique_lock lock(mutex_);
    if (!held_ || offset < held_from_) return real_->write(slot, offset, pages);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return outcome_.has_value(); });
    held_ = false;
    return *outcome_ ? real_->write(slot, offset, pages) : *outcome_;
  }

  /// The next write there or beyond.
  void hold(std::uint64_t from_offset = 0) {
    held_ = true;
    held_from_ = from_offset;
  }
  void wait_until_held() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_; });
  }
  void release(Result<> outcome) {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    changed_.notify_all();
  }

 private:
  std::unique_ptr<LogDirectory> real_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, waiting_ = false;
  std::uint64_t held_from_ = 0;
  std::optional<Result<>> outcome_;
};

/// Six drives, the log on three of them.
class SingleNodeLogFailure : public testing::Test {
 protected:
  SingleNodeLogFailure() {
    LogSet::Options options{.drive_count = 6, .losses = 2};
    for (std::uint16_t i = 0; i < 6; ++i) {
      std::filesystem::create_directories(drive(i) / "meta");
      options.drives.push_back({DriveIndex{i}, drive(i)});
    }
    set = *LogSet::open(std::move(options));
    EXPECT_TRUE(set->begin({DriveIndex{0}, DriveIndex{1}, DriveIndex{2}}));
    std::vector<SingleNodeLog::Member> members;
    for (std::uint16_t i = 0; i < 3; ++i) {
      directories.push_back(std::make_shared<HeldDirectory>(drive(i) / "meta" / "log"));
      members.push_back({DriveIndex{i}, directories.back()});
    }
    log = *SingleNodeLog::open(*set, system_clock_source(), std::move(members), {.first_file_bytes = 1 << 20},
                               [](std::uint64_t, std::string_view) { return Result<>(); });
    log->start([this](std::vector<CommittedEntry> entries) {
      for (const CommittedEntry& entry : entries) committed.push_back(entry.proposal->entry);
    });
  }

  class Noted final : public Proposal {
   public:
    Noted(std::string name, std::vector<std::string>& failed) : Proposal(std::move(name)), failed_(failed) {}
    void fail(Error why) override { failed_.push_back(entry + " " + std::string(to_string(why.code))); }

   private:
    std::vector<std::string>& failed_;
  };

  void propose(const std::string& name) { log->propose(std::make_unique<Noted>(name, failed)); }
  std::filesystem::path drive(std::uint16_t index) const { return folder.path() / std::to_string(index); }
  /// Their records can't be written any more, so that too few are left.
  void spoil_drives_without_a_log() const {
    for (std::uint16_t i = 3; i < 6; ++i) {
      std::filesystem::remove_all(drive(i) / "meta");
      std::ofstream(drive(i) / "meta") << "no directory";
    }
  }

  TempDirectory folder;
  std::unique_ptr<LogSet> set;
  std::vector<std::shared_ptr<HeldDirectory>> directories;
  std::unique_ptr<SingleNodeLog> log;
  std::vector<std::string> committed, failed;  ///< The log thread's; read after it has stopped.
};

TEST_F(SingleNodeLogFailure, OfOneBatchFailsWhatWaitsBehindIt) {
  directories[0]->hold();
  propose("first");
  directories[0]->wait_until_held();
  propose("second");
  spoil_drives_without_a_log();
  directories[0]->release(error(Errc::io_error, "broken"));
  while (!log->status().failed || log->status().waiting > 0) std::this_thread::yield();
  log->stop();
  EXPECT_THAT(committed, IsEmpty());
  EXPECT_THAT(failed, ElementsAre("first ambiguous", "second durability_unavailable"));
}

TEST_F(SingleNodeLogFailure, ToRecordTheSetLeavesNothingCommitted) {
  directories[0]->hold();
  propose("first");
  directories[0]->wait_until_held();
  spoil_drives_without_a_log();
  EXPECT_FALSE(set->drop(DriveIndex{0}, error(Errc::io_error, "met by another thread")));
  directories[0]->release({});
  while (!log->status().failed) std::this_thread::yield();
  log->stop();
  EXPECT_THAT(committed, IsEmpty());
  EXPECT_THAT(failed, ElementsAre("first ambiguous"));
}

TEST_F(SingleNodeLogFailure, OfAMemberThatAnotherIsFilledFromLeavesItsFilesOpen) {
  propose("first");
  while (log->status().last_index < 1) std::this_thread::yield();
  const auto joining = std::make_shared<HeldDirectory>(drive(3) / "meta" / "log");
  joining->hold(kPageBytes);
  auto joined = std::async(std::launch::async, [&] { return log->join({DriveIndex{3}, joining}); });
  joining->wait_until_held();
  const std::weak_ptr<HeldDirectory> read_from = std::exchange(directories[0], nullptr);
  EXPECT_TRUE(set->drop(DriveIndex{0}, error(Errc::io_error, "met by another thread")));
  propose("second");
  while (log->status().last_index < 2) std::this_thread::yield();
  EXPECT_FALSE(read_from.expired());
  joining->release({});
  EXPECT_TRUE(joined.get());
  log->stop();
  EXPECT_THAT(committed, ElementsAre("first", "second"));
  EXPECT_THAT(set->record().members, ElementsAre(DriveIndex{1}, DriveIndex{2}, DriveIndex{3}));
}

TEST_F(SingleNodeLogFailure, OfOneMemberIsRecordedBeforeTheEntryCounts) {
  directories[0]->hold();
  propose("first");
  directories[0]->wait_until_held();
  directories[0]->release(error(Errc::io_error, "broken"));
  propose("second");
  while (log->status().last_index < 2) std::this_thread::yield();
  log->stop();
  EXPECT_THAT(committed, ElementsAre("first", "second"));
  EXPECT_THAT(set->record().members, ElementsAre(DriveIndex{1}, DriveIndex{2}));
}

}  // namespace
}  // namespace firn::metadata
