#include "firn/base/assert.h"

#include <gtest/gtest.h>

namespace firn {
namespace {

TEST(AssertDeathTest, StopsTheProcessAndNamesTheBrokenRule) {
  const int drives = 3;
  EXPECT_DEATH(FIRN_ASSERT(drives == 6), "assert_test.cpp:[0-9]+: assertion failed: drives == 6");
}

TEST(Assert, EvaluatesItsExpressionOnceAndGoesOn) {
  int evaluations = 0;
  FIRN_ASSERT(++evaluations > 0);
  EXPECT_EQ(evaluations, 1);
}

}  // namespace
}  // namespace firn
