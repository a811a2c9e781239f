#include "firn/config/ellipses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firn::config {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> expanded(std::string_view pattern) {
  auto result = expand_ellipses(pattern);
  return result ? *result : std::vector<std::string>{"refused"};
}

TEST(Ellipses, LeaveTextWithoutThemAlone) {
  EXPECT_THAT(expanded("/data"), ElementsAre("/data"));
  EXPECT_THAT(expanded("/{data}/x"), ElementsAre("/{data}/x"));
}

TEST(Ellipses, CountFromFirstToLast) { EXPECT_THAT(expanded("/d{1...3}/x"), ElementsAre("/d1/x", "/d2/x", "/d3/x")); }

TEST(Ellipses, MultiplyWithTheLastOneFastest) {
  EXPECT_THAT(expanded("/r{0...1}/d{8...10}"),
              ElementsAre("/r0/d8", "/r0/d9", "/r0/d10", "/r1/d8", "/r1/d9", "/r1/d10"));
}

TEST(Ellipses, KeepTheWidthOfAPaddedFirst) { EXPECT_THAT(expanded("d{08...10}"), ElementsAre("d08", "d09", "d10")); }

TEST(Ellipses, RefuseWhatIsNoRange) {
  for (const auto* pattern : {"/d{3...1}", "/d{a...c}", "/d{...4}", "/d{1...}", "/d{1...4", "/d1...4", "/d{1....4}"}) {
    EXPECT_THAT(expanded(pattern), ElementsAre("refused")) << pattern;
  }
}

TEST(Ellipses, RefuseMoreThanAnyMachineHas) {
  EXPECT_THAT(expanded("/d{1...1024}"), SizeIs(kExpandedMax));
  EXPECT_THAT(expanded("/d{1...1025}"), ElementsAre("refused"));
  EXPECT_THAT(expanded("/d{1...100}/e{1...100}"), ElementsAre("refused"));
  EXPECT_THAT(expanded("/d{1...18446744073709551615}"), ElementsAre("refused"));
}

}  // namespace
}  // namespace firn::config
