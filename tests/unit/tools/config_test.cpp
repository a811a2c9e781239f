#include "firn/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>

namespace firn::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

/// A start with these arguments, variables and file.
class Start {
 public:
  explicit Start(std::vector<std::string> arguments, Variables variables = {}, const std::string& file = {})
      : result_(Errc::internal) {
    arguments.insert(arguments.begin(), "firnd");
    if (!file.empty()) {
      path_ = ::testing::TempDir() + "firn-config-" + std::to_string(getpid()) + ".yaml";
      std::ofstream(path_) << file;
      arguments.insert(arguments.end(), {"--config", path_});
    }
    std::vector<const char*> argv;
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    result_ = load(static_cast<int>(argv.size()), argv.data(), [&](const char* name) -> const char* {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
    if (!path_.empty()) unlink(path_.c_str());
  }
  const Config& config() const { return std::get<Config>(*result_); }
  std::string printed() const { return std::get<Printed>(*result_).text; }
  std::string refusal() const { return result_ ? "accepted" : result_.error().message; }

 private:
  std::string path_;
  Result<std::variant<Config, Printed>> result_;
};

TEST(Config, IsTheEmbeddedDefaultWithoutArguments) {
  const Start start({});
  ASSERT_EQ(start.refusal(), "accepted");
  EXPECT_EQ(start.config().drives.size(), 6u);
  EXPECT_EQ(start.config().drives.front(), std::filesystem::current_path() / "firn-data/drive1");
  EXPECT_EQ(start.config().listen_host, "127.0.0.1");
  EXPECT_EQ(start.config().listen_port, 9000);
  EXPECT_FALSE(start.config().erasure);
  EXPECT_FALSE(start.config().root);
  EXPECT_EQ(start.config().write_memory_bytes, 512ULL << 20);
}

TEST(Config, TakesTheFlagOverItsVariableOverMinIOsOverTheFile) {
  const std::string file = "region: from-file\n";
  const Variables minio{{"MINIO_REGION", "from-minio"}};
  const Variables both{{"MINIO_REGION", "from-minio"}, {"FIRN_REGION", "from-firn"}};
  EXPECT_EQ(Start({}, {}, file).config().region, "from-file");
  EXPECT_EQ(Start({}, minio, file).config().region, "from-minio");
  EXPECT_EQ(Start({}, both, file).config().region, "from-firn");
  EXPECT_EQ(Start({"--region", "from-flag"}, both, file).config().region, "from-flag");
}

TEST(Config, CountsAnEmptyVariableAsNotGiven) {
  EXPECT_EQ(Start({}, {{"FIRN_REGION", ""}, {"MINIO_REGION", "m"}}).config().region, "m");
}

TEST(Config, ExpandsDrivesFromEverySource) {
  using Paths = std::vector<std::filesystem::path>;
  const Paths expected{"/a1", "/a2", "/b1", "/b2"};
  EXPECT_EQ(Start({"--drives", "/a{1...2}", "/b{1...2}"}).config().drives, expected);
  EXPECT_EQ(Start({}, {{"MINIO_VOLUMES", "/a{1...2} /b{1...2}"}}).config().drives, expected);
  EXPECT_EQ(Start({}, {}, "drives: ['/a{1...2}', '/b{1...2}']\n").config().drives, expected);
  EXPECT_EQ(Start({}, {}, "drives: /a{1...2} /b{1...2}\n").config().drives, expected);
}

TEST(Config, RefusesDataAndDrivesFromOneSource) {
  EXPECT_THAT(Start({"--data", "/x", "--drives", "/y"}).refusal(), HasSubstr("--data and --drives exclude"));
  EXPECT_THAT(Start({}, {{"FIRN_DATA", "/x"}, {"FIRN_DRIVES", "/y"}}).refusal(), HasSubstr("exclude"));
}

TEST(Config, LetsTheStrongerOfDataAndDrivesDecide) {
  EXPECT_EQ(Start({"--drives", "/y"}, {{"FIRN_DATA", "/x"}}).config().drives.front(), "/y");
  EXPECT_EQ(Start({"--data", "/x"}, {{"FIRN_DRIVES", "/y"}}).config().drives.front(), "/x/drive1");
  EXPECT_EQ(Start({}, {{"FIRN_DATA", "/x"}, {"MINIO_VOLUMES", "/y"}}).config().drives.front(), "/x/drive1");
}

TEST(Config, RefusesTheSameDriveTwiceHoweverItIsSpelled) {
  EXPECT_THAT(Start({"--drives", "/a/b", "/a/./c/../b"}).refusal(), HasSubstr("/a/b is named twice"));
}

TEST(Config, RefusesDirectoriesWithoutAName) {
  EXPECT_THAT(Start({}, {}, "data: \"\"\n").refusal(), HasSubstr("no directory's name"));
  EXPECT_THAT(Start({}, {}, "drives: [/a, \"\"]\n").refusal(), HasSubstr("no directory's name"));
  EXPECT_THAT(Start({}, {}, "drives: [\"/a\\0b\"]\n").refusal(), HasSubstr("no directory's name"));
}

TEST(Config, ReadsShapes) {
  EXPECT_EQ(Start({"--erasure", "8+3"}).config().erasure, (erasure::Shape{8, 3}));
  for (const auto* text : {"4", "4+", "+2", "4+2x", "0+2", "400+2", "4-2", "17+1", "4+5", "4+0"}) {
    EXPECT_THAT(Start({"--erasure", text}).refusal(), HasSubstr("--erasure")) << text;
  }
}

TEST(Config, ReadsListenAddresses) {
  EXPECT_EQ(Start({"--listen", ":9001"}).config().listen_host, "0.0.0.0");
  EXPECT_EQ(Start({"--listen", "[::1]:9001"}).config().listen_host, "::1");
  EXPECT_EQ(Start({"--listen", "[::1]:9001"}).config().listen_port, 9001);
  for (const auto* text : {"9000", "host:", "host:x", "host:70000"}) {
    EXPECT_THAT(Start({"--listen", text}).refusal(), HasSubstr("--listen")) << text;
  }
}

TEST(Config, ReadsSizes) {
  EXPECT_EQ(Start({"--write-memory", "1GiB"}).config().write_memory_bytes, 1ULL << 30);
  EXPECT_EQ(Start({"--write-memory", "100 MB"}).config().write_memory_bytes, 100'000'000ULL);
  EXPECT_EQ(Start({"--write-memory", "99999999"}).config().write_memory_bytes, 99'999'999ULL);
  for (const auto* text : {"", "x", "1QB", "-1", "1KiB", "99999999999TiB"}) {
    EXPECT_NE(Start({"--write-memory=" + std::string(text)}).refusal(), "accepted") << text;
  }
}

TEST(Config, TakesMinIOsCredential) {
  const Start start({}, {{"MINIO_ROOT_USER", "somebody"}, {"MINIO_ROOT_PASSWORD", "long-enough"}});
  EXPECT_EQ(start.config().root->user, "somebody");
  EXPECT_EQ(start.config().root->password, "long-enough");
}

TEST(Config, RefusesHalfACredential) {
  EXPECT_THAT(Start({}, {{"FIRN_ROOT_USER", "somebody"}}).refusal(), HasSubstr("FIRN_ROOT_PASSWORD"));
}

TEST(Config, RefusesWeakAndWellKnownCredentials) {
  const auto refusal = [](const char* user, const char* password) {
    return Start({}, {{"FIRN_ROOT_USER", user}, {"FIRN_ROOT_PASSWORD", password}}).refusal();
  };
  EXPECT_EQ(refusal("abc", "12345678"), "accepted");
  EXPECT_THAT(refusal("ab", "12345678"), HasSubstr("at least 3"));
  EXPECT_THAT(refusal("abc", "1234567"), HasSubstr("at least 8"));
  EXPECT_THAT(refusal("minioadmin", "minioadmin"), HasSubstr("everybody knows"));
  EXPECT_THAT(refusal("a/b", "12345678"), HasSubstr("without / = ,"));
}

TEST(Config, NamesTheLineOfAMistakeInTheFile) {
  EXPECT_THAT(Start({}, {}, "region: x\nregoin: y\n").refusal(), HasSubstr("line 2: there is no setting \"regoin\""));
  EXPECT_THAT(Start({}, {}, "region: [x\n").refusal(), HasSubstr("line"));
  EXPECT_THAT(Start({}, {}, "region: [x, y]\n").refusal(), HasSubstr("single value"));
  EXPECT_THAT(Start({"--config", "/nowhere.yaml"}).refusal(), HasSubstr("cannot read /nowhere.yaml"));
}

TEST(Config, SplitsDomainsAtCommasAndSpaces) {
  EXPECT_THAT(Start({}, {{"MINIO_DOMAIN", "a.example,b.example"}}).config().domains,
              ElementsAre("a.example", "b.example"));
}

TEST(Config, WantsCertificateAndKeyTogether) {
  EXPECT_THAT(Start({"--tls-cert", "/c.pem"}).refusal(), HasSubstr("together"));
}

TEST(Config, RefusesUnknownFlags) {
  EXPECT_THAT(Start({"--nodes", "x"}).refusal(), HasSubstr("--nodes"));
  EXPECT_THAT(Start({"x"}).refusal(), HasSubstr("x"));
}

TEST(Config, ListsEverySettingInItsHelp) {
  const auto help = Start({"--help"}).printed();
  for (const auto* name : {"--drives", "--erasure", "FIRN_ROOT_USER", "FIRN_METRICS_TOKEN", "--config"}) {
    EXPECT_THAT(help, HasSubstr(name));
  }
}

}  // namespace
}  // namespace firn::config
