#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "access.h"
#include "command_line.h"
#include "report.h"
#include "table.h"

namespace firn::cli {
namespace {

using testing::HasSubstr;

config::Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

std::string endpoint_of(const AccessFlags& flags, std::map<std::string, std::string> variables) {
  const auto seen = environment(std::move(variables));
  const auto server = server_config(flags, seen);
  const auto endpoint = find_endpoint(flags, server.value(), seen);
  return endpoint ? endpoint->url() : endpoint.error().message;
}

/// "user:password", or what is said when there is none.
std::string credential_of(const AccessFlags& flags, std::map<std::string, std::string> variables) {
  const auto seen = environment(std::move(variables));
  const auto server = server_config(flags, seen);
  const auto pair = find_credential(server.value(), seen);
  return pair ? pair->access_key + ":" + pair->secret_key : pair.error().message;
}

std::string parsed(const std::string& url) {
  const auto endpoint = parse_endpoint(url);
  return endpoint ? (endpoint->tls ? "tls " : "") + endpoint->host + " " + std::to_string(endpoint->port) : "refused";
}

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "cli-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  void write_root_file(const std::string& drive) const {
    std::filesystem::create_directories(path_ / drive);
    std::ofstream(path_ / drive / "root-credentials") << "AWS_ACCESS_KEY_ID=kept\nAWS_SECRET_ACCESS_KEY=on-the-drive\n";
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

Result<std::variant<Invocation, Printed>> read(std::vector<const char*> words) {
  words.insert(words.begin(), "firn");
  return read_command_line(static_cast<int>(words.size()), words.data());
}

TEST(AnEndpoint, IsAUrlOfHostAndPort) {
  EXPECT_EQ(parsed("http://127.0.0.1:9000"), "127.0.0.1 9000");
  EXPECT_EQ(parsed("https://s3.example.com:443/"), "tls s3.example.com 443");
  EXPECT_EQ(parsed("http://[::1]:9000"), "::1 9000");
  for (const char* url :
       {"", "127.0.0.1:9000", "http://host", "http://host:", "http://host:0", "http://host:70000", "http://:9000",
        "http://u@host:1", "http://host:1/path", "http://[::1:9000", "http://::1]:9"}) {
    EXPECT_EQ(parsed(url), "refused") << url;
  }
}

TEST(AnEndpoint, IsGivenByFlagOrVariableOrIsWhereTheServerListens) {
  EXPECT_EQ(endpoint_of({.endpoint = "http://flag:1"}, {{"FIRN_ENDPOINT", "http://variable:2"}}), "http://flag:1");
  EXPECT_EQ(endpoint_of({}, {{"FIRN_ENDPOINT", "http://variable:2"}}), "http://variable:2");
  EXPECT_EQ(endpoint_of({}, {{"FIRN_LISTEN", "0.0.0.0:9100"}}), "http://127.0.0.1:9100");
  EXPECT_EQ(endpoint_of({}, {}), "http://127.0.0.1:9000");
}

TEST(ACredential, IsTheOneTheServerIsGiven) {
  const Folder folder;
  folder.write_root_file("drive1");
  EXPECT_EQ(credential_of({.data = folder.path()}, {{"FIRN_ROOT_USER", "root"}, {"FIRN_ROOT_PASSWORD", "rootroot"}}),
            "root:rootroot");
  EXPECT_EQ(credential_of({}, {{"MINIO_ROOT_USER", "mini"}, {"MINIO_ROOT_PASSWORD", "minimini"}}), "mini:minimini");
}

TEST(ACredential, IsReadFromADrive) {
  const Folder folder;
  folder.write_root_file("drive1");
  EXPECT_EQ(credential_of({.data = folder.path()}, {{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b"}}),
            "kept:on-the-drive");
  EXPECT_EQ(credential_of({.drives = {folder.path() + "/drive{1...2}"}}, {}), "kept:on-the-drive");
}

TEST(ACredential, MayBeTheOneOfOtherS3Clients) {
  const Folder folder;
  EXPECT_EQ(credential_of({.data = folder.path()}, {{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b"}}),
            "a:b");
}

TEST(ACredential, ThatIsMissingIsSaidWithThePlacesLookedAt) {
  const Folder folder;
  const auto why = credential_of({.data = folder.path()}, {});
  EXPECT_THAT(why, HasSubstr("FIRN_ROOT_PASSWORD"));
  EXPECT_THAT(why, HasSubstr(folder.path() + "/drive1/root-credentials"));
}

TEST(TheCommandLine, TakesOptionsBeforeAndBehindTheCommand) {
  const auto asked =
      std::get<Invocation>(read({"--endpoint", "http://h:1", "scrub", "--rate", "2MiB", "--json"}).value());
  EXPECT_EQ(asked.command, Invocation::Command::scrub);
  EXPECT_EQ(asked.access.endpoint, "http://h:1");
  EXPECT_EQ(asked.scrub_bytes_per_second, 2U << 20);
  EXPECT_TRUE(asked.json);
}

TEST(TheCommandLine, EndsTheListOfDrivesAtTheCommand) {
  const auto asked = std::get<Invocation>(read({"--drives", "/a", "/b", "replace-drive", "2", "/c"}).value());
  EXPECT_EQ(asked.command, Invocation::Command::replace_drive);
  EXPECT_EQ(asked.access.drives, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(asked.drive, 2);
  EXPECT_EQ(asked.path, "/c");
}

TEST(TheCommandLine, ExplainsMistakes) {
  const auto why = [](std::vector<const char*> words) { return read(std::move(words)).error().message; };
  EXPECT_THAT(why({"bogus"}), HasSubstr("no command bogus"));
  EXPECT_THAT(why({}), HasSubstr("subcommand is required"));
  EXPECT_THAT(why({"status", "--nonsense"}), HasSubstr("--nonsense"));
  EXPECT_THAT(why({"replace-drive", "0"}), HasSubstr("DRIVE"));
  EXPECT_THAT(why({"scrub", "--rate", "fast"}), HasSubstr("--rate"));
  EXPECT_THAT(why({"metadata"}), HasSubstr("subcommand is required"));
}

TEST(ATable, AlignsItsColumns) {
  Table table({"NAME", "SIZE", ""}, {1});
  table.add({"a", "10", "x"});
  table.add({"longer", "9", ""});
  EXPECT_EQ(table.text(),
            "NAME    SIZE\n"
            "a         10  x\n"
            "longer     9\n");
}

TEST(Bytes, AreSpokenInTheUnitThatFits) {
  EXPECT_EQ(spoken_bytes(0), "0 B");
  EXPECT_EQ(spoken_bytes(1023), "1023 B");
  EXPECT_EQ(spoken_bytes(1536), "1.5 KiB");
  EXPECT_EQ(spoken_bytes(300ULL << 30), "300 GiB");
  EXPECT_EQ(spoken_bytes(UINT64_MAX), "16.0 EiB");
}

TEST(AReport, SurvivesAnAnswerWithoutItsFields) {
  EXPECT_THAT(status_report({}), HasSubstr("0 of 0 in"));
  EXPECT_THAT(usage_report({}), HasSubstr("total"));
  EXPECT_THAT(verify_report({}), HasSubstr("Sound"));
  EXPECT_THAT(scrub_report({}), HasSubstr("No damage"));
}

}  // namespace
}  // namespace firn::cli
