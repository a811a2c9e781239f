#include "root_credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <sstream>

#include "random_bytes.h"

namespace firn::server {
namespace {

TEST(RootCredential, ReadsBackWhatItStores) {
  const auto pair = decode_root(encode_root({"user", "pass:word=/+"}));
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->user, "user");
  EXPECT_EQ(pair->password, "pass:word=/+");
}

TEST(RootCredential, RefusesWhatIsNotWhole) {
  const auto whole = encode_root({"user", "password"});
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(decode_root(whole.substr(0, length)));
  EXPECT_FALSE(decode_root(whole + "x"));
  EXPECT_EQ(decode_root("firn root 2\nuser\npassword\n").code(), Errc::unsupported_version);
}

TEST(RootCredential, IsReadableByItsOwnerAlone) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "root-credentials";
  std::ofstream(path) << "left by an interrupted start";
  ASSERT_TRUE(write_root_file(path, {"user", "secret"}));
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  EXPECT_EQ(content.str(), "AWS_ACCESS_KEY_ID=user\nAWS_SECRET_ACCESS_KEY=secret\n");
}

TEST(RandomText, UsesTheWholeAlphabetAndNothingElse) {
  const std::string alphabet = "abcdefg";
  const auto text = random_text(alphabet, 10'000);
  EXPECT_EQ(text.size(), 10'000u);
  const std::set<char> seen(text.begin(), text.end());
  EXPECT_EQ(seen, std::set<char>(alphabet.begin(), alphabet.end()));
  EXPECT_NE(random_text(alphabet, 40), random_text(alphabet, 40));
}

}  // namespace
}  // namespace firn::server
