#include "firn/base/clock.h"

#include <gtest/gtest.h>

namespace firn {
namespace {

TEST(SystemClock, TellsUnixTimeInMilliseconds) {
  const UnixMs now = system_clock_source().now_unix_ms();
  EXPECT_GT(now, 1'700'000'000'000);  // November 2023; seconds or microseconds would miss this window.
  EXPECT_LT(now, 4'000'000'000'000);
}

TEST(SystemClock, NeverStepsBackOnItsSteadySide) {
  const auto first = system_clock_source().steady_now();
  EXPECT_LE(first, system_clock_source().steady_now());
}

}  // namespace
}  // namespace firn
