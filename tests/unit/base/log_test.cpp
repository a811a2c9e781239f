#include "firn/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace firn {
namespace {

/// Standard error while it lives; the level it found comes back after.
class Captured {
 public:
  explicit Captured(log::Level level) : before_(log::level()) {
    log::set_level(level);
    testing::internal::CaptureStderr();
  }
  ~Captured() { log::set_level(before_); }
  std::string text() { return testing::internal::GetCapturedStderr(); }

 private:
  log::Level before_;
};

TEST(Log, WritesOneLineWithUtcTimeLevelAndText) {
  Captured captured(log::Level::info);
  log::info("drive {} is in: {} of {}", 3, 5, 6);
  EXPECT_THAT(captured.text(), testing::MatchesRegex(
                                   "[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z info drive 3 is in: 5 of 6\n"));
}

TEST(Log, LeavesOutWhatIsBelowTheLevel) {
  Captured captured(log::Level::warn);
  log::debug("a");
  log::info("b");
  log::warn("c");
  log::error("d");
  const std::string text = captured.text();
  EXPECT_EQ(text.find(" a\n"), std::string::npos);
  EXPECT_EQ(text.find(" b\n"), std::string::npos);
  EXPECT_NE(text.find(" warning c\n"), std::string::npos);
  EXPECT_NE(text.find(" error d\n"), std::string::npos);
}

TEST(Log, SaysNothingWhenOff) {
  Captured captured(log::Level::off);
  log::error("a");
  log::write(log::Level::off, "b");
  EXPECT_FALSE(log::enabled(log::Level::error));
  EXPECT_EQ(captured.text(), "");
}

struct CountsItsFormatting {
  int& times;
};

}  // namespace
}  // namespace firn

template <>
struct fmt::formatter<firn::CountsItsFormatting> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const firn::CountsItsFormatting& value, fmt::format_context& context) const {
    ++value.times;
    return context.out();
  }
};

namespace firn {
namespace {

TEST(Log, FormatsNothingThatIsNotWritten) {
  Captured captured(log::Level::info);
  int times = 0;
  log::debug("{}", CountsItsFormatting{times});
  EXPECT_EQ(times, 0);
  log::info("{}", CountsItsFormatting{times});
  EXPECT_EQ(times, 1);
  captured.text();
}

TEST(Log, LetsNoClientForgeALine) {
  Captured captured(log::Level::info);
  log::info("key {}", "a\n2026-01-01T00:00:00.000Z error forged\r\x1b[31m\x7f");
  const std::string text = captured.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("key a\\x0a2026-01-01T00:00:00.000Z error forged\\x0d\\x1b[31m\\x7f"), std::string::npos);
}

TEST(Log, KeepsUtf8AsItIs) {
  Captured captured(log::Level::info);
  log::info("{}", "Schnee, névé, 雪");
  EXPECT_NE(captured.text().find("Schnee, névé, 雪\n"), std::string::npos);
}

TEST(Log, KeepsLinesOfManyThreadsWhole) {
  Captured captured(log::Level::info);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 50; ++j) log::info("{}", std::string(200, 'x'));
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = captured.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 200);
  EXPECT_EQ(std::count(text.begin(), text.end(), 'x'), 200 * 200);
}

TEST(LogLevel, IsReadByItsName) {
  log::Level level = log::Level::info;
  EXPECT_TRUE(log::parse("debug", level));
  EXPECT_EQ(level, log::Level::debug);
  EXPECT_TRUE(log::parse("off", level));
  EXPECT_EQ(level, log::Level::off);
  EXPECT_FALSE(log::parse("DEBUG", level));
  EXPECT_FALSE(log::parse("", level));
  EXPECT_EQ(level, log::Level::off);
}

}  // namespace
}  // namespace firn
