#include "changeover.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <fstream>
#include <functional>
#include <string>

namespace firn::server {
namespace {

namespace fs = std::filesystem;
using State = Changeover::State;

/// Three drives whose metadata says what it is.
class ChangeoverOfAMachine : public ::testing::Test {
 protected:
  ChangeoverOfAMachine() {
    std::string name = (fs::temp_directory_path() / "firn-changeover-XXXXXX").string();
    root_ = mkdtemp(name.data());
    for (int i = 1; i <= 3; ++i) drives_.push_back(root_ / ("drive" + std::to_string(i)));
    for (const auto& drive : drives_) write(drive / "meta", "single");
  }
  ~ChangeoverOfAMachine() override { fs::remove_all(root_); }

  static void write(const fs::path& folder, const std::string& word) {
    fs::create_directories(folder);
    std::ofstream(folder / "word") << word;
  }
  static std::string read(const fs::path& folder) {
    std::string word;
    std::ifstream(folder / "word") >> word;
    return word;
  }
  void prepare() {
    for (const auto& drive : drives_) write(Changeover::folder(drive) / "meta", "cluster");
  }
  bool all_are(const std::string& word) const {
    for (const auto& drive : drives_) {
      if (read(drive / "meta") != word) return false;
    }
    return true;
  }
  State state() const { return Changeover(drives_).state(); }

  /// What stands after the process was ended before its step `count`; false when it ended by itself.
  bool cut_short(int count, const std::function<Result<>(Changeover&)>& work) {
    struct Killed {};
    Changeover changeover(drives_, [&count] {
      if (count-- == 0) throw Killed{};
    });
    try {
      const auto done = work(changeover);
      EXPECT_TRUE(done) << done.error().message;
      return false;
    } catch (const Killed&) {
      return true;
    }
  }

  fs::path root_;
  std::vector<fs::path> drives_;
};

Result<> finish(Changeover& changeover) { return changeover.finish(); }
Result<> take_back(Changeover& changeover) { return changeover.take_back(); }
Result<> end(Changeover& changeover) { return changeover.end(); }
Result<> discard(Changeover& changeover) { return changeover.discard(); }

TEST_F(ChangeoverOfAMachine, IsUndoneOrFinishedWhereverItWasCutShort) {
  bool cut = true;
  for (int step = 0; cut; ++step) {
    for (const bool back : {false, true}) {
      prepare();
      cut = cut_short(step, finish);
      if (step == 0) {
        EXPECT_EQ(state(), State::none);
        EXPECT_TRUE(all_are("single"));
      } else {
        EXPECT_EQ(state(), cut ? State::decided : State::finished) << "after step " << step;
      }
      if (back && step > 0) {
        EXPECT_FALSE(cut_short(-1, take_back));
      } else if (!back) {
        EXPECT_FALSE(cut_short(-1, finish));
        EXPECT_EQ(state(), State::finished);
        EXPECT_TRUE(all_are("cluster")) << "after step " << step;
        EXPECT_FALSE(cut_short(-1, take_back));
      }
      EXPECT_EQ(state(), State::none);
      EXPECT_TRUE(all_are("single")) << "after step " << step;
      EXPECT_FALSE(cut_short(-1, discard));
      for (const auto& drive : drives_) EXPECT_FALSE(fs::exists(Changeover::folder(drive)));
    }
  }
}

TEST_F(ChangeoverOfAMachine, IsTakenBackWhereverThatWasCutShort) {
  bool cut = true;
  for (int step = 0; cut; ++step) {
    prepare();
    EXPECT_FALSE(cut_short(-1, finish));
    cut = cut_short(step, take_back);
    // Whoever sees no mark starts as the single machine.
    if (state() == State::none) {
      EXPECT_TRUE(all_are("single")) << "after step " << step;
    } else {
      EXPECT_FALSE(cut_short(-1, take_back));
    }
    EXPECT_TRUE(all_are("single")) << "after step " << step;
    EXPECT_FALSE(cut_short(-1, discard));
  }
}

TEST_F(ChangeoverOfAMachine, HasNoWayBackOnceItHasBegunToEnd) {
  bool cut = true;
  for (int step = 0; cut; ++step) {
    for (const auto& drive : drives_) write(drive / "meta", "single");
    prepare();
    EXPECT_FALSE(cut_short(-1, finish));
    cut = cut_short(step, end);
    if (step > 0) {
      EXPECT_NE(state(), State::decided) << "after step " << step;
      EXPECT_FALSE(Changeover(drives_).take_back()) << "after step " << step;
    }
    EXPECT_FALSE(cut_short(-1, end));
    EXPECT_TRUE(all_are("cluster"));
    for (const auto& drive : drives_) EXPECT_FALSE(fs::exists(Changeover::folder(drive)));
    EXPECT_FALSE(Changeover(drives_).take_back());
  }
}

TEST_F(ChangeoverOfAMachine, IsNotFinishedWhereADriveWasNeverPrepared) {
  prepare();
  fs::remove_all(Changeover::folder(drives_[1]));
  EXPECT_EQ(Changeover(drives_).finish().code(), Errc::invalid_argument);
  EXPECT_TRUE(all_are("single"));
  EXPECT_EQ(state(), State::none);
}

TEST_F(ChangeoverOfAMachine, GoesOnWithoutADriveThatWasLostAfterTheFirstExchange) {
  prepare();
  EXPECT_TRUE(cut_short(5, finish));  // Three marks, and one drive's exchange.
  fs::remove_all(drives_[2]);
  fs::create_directories(drives_[2]);
  EXPECT_FALSE(cut_short(-1, finish));
  EXPECT_EQ(state(), State::finished);
  EXPECT_EQ(read(drives_[0] / "meta"), "cluster");
  EXPECT_EQ(read(drives_[1] / "meta"), "cluster");
}

TEST_F(ChangeoverOfAMachine, IsKnownToAllDrivesBeforeTheFirstExchange) {
  bool exchanged = false;
  for (int step = 0; !exchanged; ++step) {
    prepare();
    ASSERT_TRUE(cut_short(step, finish));
    exchanged = read(drives_[0] / "meta") != "single";
    // The first drive is away at the next start: the others must not go on as the single machine.
    if (exchanged) {
      EXPECT_EQ(Changeover({drives_[1], drives_[2]}).state(), State::decided);
    }
  }
}

TEST_F(ChangeoverOfAMachine, IsOneProcessesAtATime) {
  Changeover first(drives_);
  Changeover second(drives_);
  ASSERT_TRUE(first.lock());
  EXPECT_EQ(second.lock().code(), Errc::already_exists);
  first.unlock();
  EXPECT_TRUE(second.lock());
}

}  // namespace
}  // namespace firn::server
