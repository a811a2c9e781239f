#include <gtest/gtest.h>

#include "firn/base/digest.h"

namespace firn {
namespace {

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

TEST(Hex, WritesLowerCaseAndReadsEither) {
  EXPECT_EQ(to_hex("\x01\xAB\xFF"), "01abff");
  std::string raw;
  ASSERT_TRUE(from_hex("01abFF", raw));
  EXPECT_EQ(raw, "\x01\xAB\xFF");
}

TEST(Hex, CarriesEveryByte) {
  std::string raw;
  ASSERT_TRUE(from_hex(to_hex(all_bytes()), raw));
  EXPECT_EQ(raw, all_bytes());
  ASSERT_TRUE(from_hex("", raw));
  EXPECT_EQ(raw, "");
}

TEST(Hex, RefusesWhatIsNotHexAndLeavesTheResultAlone) {
  std::string raw = "before";
  for (const std::string_view text : {"a", "abc", "0g", "g0", " 0", "0x", "\xC3\xA4"}) {
    EXPECT_FALSE(from_hex(text, raw)) << text;
  }
  EXPECT_EQ(raw, "before");
}

TEST(Base64, GivesThePublishedValues) {  // RFC 4648 section 10.
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("\xFB\xFF\xFE"), "+//+");
}

TEST(Base64, ReadsBackWhatItWroteAtEveryLength) {
  for (std::size_t length = 0; length <= 256; ++length) {
    const std::string original = all_bytes().substr(0, length);
    std::string raw;
    ASSERT_TRUE(from_base64(to_base64(original), raw));
    EXPECT_EQ(raw, original);
  }
}

TEST(Base64, RefusesMissingOrMisplacedPadding) {
  std::string raw = "before";
  for (const std::string_view text : {"Zg", "Zg=", "Zm8", "Zm9vYg", "Z===", "====", "=", "==", "Zg==Zg==", "Zm=v",
                                      "Z=m8", "=Zm8", "Zm9v=", "Zm9v=="}) {
    EXPECT_FALSE(from_base64(text, raw)) << text;
  }
  EXPECT_EQ(raw, "before");
}

TEST(Base64, RefusesWhiteSpaceAndOtherAlphabets) {
  std::string raw = "before";
  for (const std::string_view text : {"Zm9v\n", "Zm 9v", " Zm9", "Zm9v\r\n  ", "Zm9-", "Zm9_", "Zm9\xC3", "Zm9."}) {
    EXPECT_FALSE(from_base64(text, raw)) << text;
  }
  EXPECT_FALSE(from_base64(std::string_view("Zm9\0", 4), raw));
  EXPECT_EQ(raw, "before");
}

TEST(Base64, RefusesASecondSpellingOfTheSameBytes) {
  std::string raw;
  EXPECT_FALSE(from_base64("Zh==", raw));  // The four low bits of the second digit belong to no byte.
  EXPECT_FALSE(from_base64("Zm9=", raw));
}

}  // namespace
}  // namespace firn
