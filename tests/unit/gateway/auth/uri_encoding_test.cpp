#include "auth/uri_encoding.h"

#include <gtest/gtest.h>

#include <optional>

namespace firn::gateway {
namespace {

std::optional<std::string> decoded(std::string_view text, PlusSign plus = PlusSign::plus) {
  std::string out;
  return append_percent_decoded(out, text, plus) ? std::optional(out) : std::nullopt;
}

TEST(PercentDecoding, TakesBothCasesAndLeavesAllElse) {
  EXPECT_EQ(decoded("a%20b%2Fc%2fd"), "a b/c/d");
  EXPECT_EQ(decoded("%C3%bc"), "\xC3\xBC");
  EXPECT_EQ(decoded("%2520"), "%20");
  EXPECT_EQ(decoded("a+b"), "a+b");
  EXPECT_EQ(decoded("a+b", PlusSign::space), "a b");
  EXPECT_EQ(decoded("%2B", PlusSign::space), "+");
  EXPECT_EQ(decoded("%00"), std::string(1, '\0'));
}

TEST(PercentDecoding, RefusesBrokenEscapes) {
  for (const char* wrong : {"%", "a%", "%2", "%2g", "%g2", "%%20", "% 20"})
    EXPECT_EQ(decoded(wrong), std::nullopt) << wrong;
}

TEST(Utf8, IsCheckedByteByByte) {
  for (const char* right : {"", "plain", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                            "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(right)) << right;
  }
  for (const char* wrong : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
                            "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "ok\xFE"}) {
    EXPECT_FALSE(is_utf8(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace firn::gateway
