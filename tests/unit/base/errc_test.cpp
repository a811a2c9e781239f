#include "firn/base/errc.h"

#include <gtest/gtest.h>

#include <set>

namespace firn {
namespace {

TEST(Errc, IsNamedAsItIsSpelled) {
  EXPECT_EQ(to_string(Errc::internal), "internal");
  EXPECT_EQ(to_string(Errc::no_such_key), "no_such_key");
  EXPECT_EQ(to_string(Errc::bad_request), "bad_request");
}

TEST(Errc, HasANameOfItsOwnForEachCode) {
  std::set<std::string_view> names;
  for (std::uint16_t i = 0; i < static_cast<std::uint16_t>(Errc::kCount); ++i) {
    EXPECT_TRUE(names.insert(to_string(static_cast<Errc>(i))).second);
  }
}

TEST(Errc, OfAnotherBuildIsCalledUnknown) {
  EXPECT_EQ(to_string(Errc::kCount), "unknown_error");
  EXPECT_EQ(to_string(static_cast<Errc>(65'535)), "unknown_error");
}

}  // namespace
}  // namespace firn
