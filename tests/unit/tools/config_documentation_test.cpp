#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "firn/config/settings.h"

namespace firn::config {
namespace {

TEST(ConfigurationPage, IsWhatTheTableOfSettingsSays) {
  std::ifstream file(FIRN_TEST_SOURCE_DIR "/../../../docs/operations/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), settings_markdown())
      << "write it again: firnd --help-markdown > docs/operations/configuration.md";
}

TEST(Settings, HaveNamesOfTheirOwn) {
  for (const auto& a : kSettings) {
    for (const auto& b : kSettings) {
      if (a.key == b.key) continue;
      EXPECT_NE(a.variable, b.variable);
      EXPECT_NE(a.yaml, b.yaml);
      EXPECT_TRUE(a.flag.empty() || a.flag != b.flag) << a.flag;
    }
  }
}

}  // namespace
}  // namespace firn::config
