#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "firn/config/config.h"

namespace firn::config {
namespace {

using ::testing::HasSubstr;
using Paths = std::vector<std::filesystem::path>;
using Variables = std::map<std::string, std::string>;

const Variables kSecrets{{"FIRN_CLUSTER_KEY", "0123456789abcdef"},
                         {"FIRN_ROOT_USER", "firn-root"},
                         {"FIRN_ROOT_PASSWORD", "firn-root-password"}};

Result<Config> start(std::vector<std::string> arguments, Variables variables = kSecrets) {
  arguments.insert(arguments.begin(), "firnd");
  std::vector<const char*> argv;
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  auto loaded = load(static_cast<int>(argv.size()), argv.data(), [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  if (!loaded) return std::move(loaded).error();
  return std::get<Config>(*std::move(loaded));
}

std::string refusal(const Result<Config>& result) { return result ? "accepted" : result.error().message; }

/// A machine of this name; `here` are the host names that lead to it.
LocalMachine machine(std::string name, std::vector<std::string> here = {}) {
  return {std::move(name), [here = std::move(here)](const std::string& host) -> Result<bool> {
            return std::find(here.begin(), here.end(), host) != here.end();
          }};
}

Result<std::uint32_t> own_of(std::vector<std::string> arguments, const LocalMachine& local) {
  auto config = start(std::move(arguments));
  if (!config) return std::move(config).error();
  if (auto settled = settle_own_node(*config, local); !settled) return std::move(settled).error();
  return config->cluster->own;
}

TEST(Nodes, AreNumberedInTheOrderOfTheList) {
  const auto config = start({"--nodes", "http://firn-{0...3}.firn:9000", "--drives", "/data{1...4}"});
  ASSERT_EQ(refusal(config), "accepted");
  ASSERT_TRUE(config->cluster);
  ASSERT_EQ(config->cluster->nodes.size(), 4u);
  EXPECT_EQ(config->cluster->nodes[0], (Config::Node{"firn-0.firn", 9000, {}}));
  EXPECT_EQ(config->cluster->nodes[3], (Config::Node{"firn-3.firn", 9000, {}}));
  EXPECT_EQ(config->drives, (Paths{"/data1", "/data2", "/data3", "/data4"}));
  EXPECT_EQ(config->cluster->key, "0123456789abcdef");
  EXPECT_EQ(config->cluster->metadata_port_offset, 100);
  EXPECT_EQ(config->cluster->shard_port_offset, 200);
}

/// A cluster of four with these flags too.
Result<Config> start_four(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"--nodes", "http://n{1...4}:9000"});
  return start(std::move(flags));
}

TEST(Nodes, SpeakTlsWithTheCertificateOfS3UnlessTheyHaveTheirOwn) {
  EXPECT_FALSE(start_four({})->cluster->tls);
  const auto shared = start_four({"--tls-cert", "/c", "--tls-key", "/k", "--peer-tls-ca", "/ca"});
  ASSERT_EQ(refusal(shared), "accepted");
  EXPECT_EQ(shared->cluster->tls, (PeerTls{"/c", "/k", "/ca"}));
  const auto own = start_four({"--tls-cert", "/c", "--tls-key", "/k", "--peer-tls-ca", "/ca", "--peer-tls-cert", "/pc",
                               "--peer-tls-key", "/pk"});
  ASSERT_EQ(refusal(own), "accepted");
  EXPECT_EQ(own->cluster->tls, (PeerTls{"/pc", "/pk", "/ca"}));
  const auto inner = start_four({"--peer-tls-ca", "/ca", "--peer-tls-cert", "/pc", "--peer-tls-key", "/pk"});
  ASSERT_EQ(refusal(inner), "accepted");
  EXPECT_EQ(inner->cluster->tls, (PeerTls{"/pc", "/pk", "/ca"}));
  EXPECT_EQ(inner->tls_certificate_path, "");
}

TEST(Nodes, MayNotSpeakHttpsToClientsAndPlainToEachOther) {
  EXPECT_THAT(refusal(start_four({"--tls-cert", "/c", "--tls-key", "/k"})), HasSubstr("peer-tls-ca"));
  EXPECT_THAT(refusal(start_four({"--peer-tls-ca", "/ca"})), HasSubstr("needs a certificate"));
  EXPECT_THAT(refusal(start_four({"--peer-tls-ca", "/ca", "--peer-tls-cert", "/c"})), HasSubstr("together"));
  EXPECT_THAT(refusal(start_four({"--peer-tls-key", "/k", "--peer-tls-cert", "/c"})), HasSubstr("needs peer-tls-ca"));
  EXPECT_THAT(refusal(start({"--nodes", "https://n{1...4}:9000"})), HasSubstr("says https"));
}

TEST(Nodes, MayBeNamedTogetherWithTheirDrivesAsMinIODoes) {
  auto variables = kSecrets;
  variables["MINIO_VOLUMES"] = "http://firn-{0...3}.firn/data{1...2} http://extra:9001/disk";
  auto config = start({}, variables);
  ASSERT_EQ(refusal(config), "accepted");
  ASSERT_EQ(config->cluster->nodes.size(), 5u);
  EXPECT_EQ(config->cluster->nodes[1], (Config::Node{"firn-1.firn", 9000, {"/data1", "/data2"}}));
  ASSERT_TRUE(settle_own_node(*config, machine("extra")));
  EXPECT_EQ(config->cluster->own, 5u);
  EXPECT_EQ(config->drives, Paths{"/disk"});
}

TEST(Nodes, MayHavePortsOfTheirOwnOnOneMachine) {
  const std::vector<std::string> list{"--nodes", "http://127.0.0.1:{9701...9704}", "--listen", "127.0.0.1:9703"};
  EXPECT_EQ(own_of(list, machine("here")).value_or(0), 3u);
}

TEST(Nodes, MayHaveAddressesOfVersionSix) {
  const auto config = start({"--nodes", "http://[fd00::1]:9000", "http://[fd00::2]"});
  ASSERT_EQ(refusal(config), "accepted");
  EXPECT_EQ(config->cluster->nodes[0].host, "fd00::1");
  EXPECT_EQ(config->cluster->nodes[1], (Config::Node{"fd00::2", 9000, {}}));
}

TEST(Nodes, AreNotNeededByOneMachine) {
  const auto config = start({"--drives", "/a{1...6}"}, {});
  ASSERT_EQ(refusal(config), "accepted");
  EXPECT_FALSE(config->cluster);
}

TEST(Nodes, KeepTheirSecretsTheSameOrDoNotStart) {
  const std::vector<std::string> list{"--nodes", "http://n{1...3}:9000"};
  EXPECT_THAT(refusal(start(list, {})), HasSubstr("FIRN_CLUSTER_KEY"));
  auto variables = kSecrets;
  variables["FIRN_CLUSTER_KEY"] = "short";
  EXPECT_THAT(refusal(start(list, variables)), HasSubstr("at least 16"));
  EXPECT_THAT(refusal(start(list, {{"FIRN_CLUSTER_KEY", "0123456789abcdef"}})), HasSubstr("FIRN_ROOT_USER"));
}

TEST(Nodes, AreRefusedWhenTheListMakesNoSense) {
  EXPECT_THAT(refusal(start({"--nodes", "http://a:9000"})), HasSubstr("one node is no cluster"));
  EXPECT_THAT(refusal(start({"--nodes", "http://a:9000", "http://a:9000"})), HasSubstr("named twice"));
  EXPECT_THAT(refusal(start({"--nodes", "a:9000", "b:9000"})), HasSubstr("is not http://HOST:PORT"));
  EXPECT_THAT(refusal(start({"--nodes", "ftp://a:9000", "http://b:9000"})), HasSubstr("is not http://HOST:PORT"));
  EXPECT_THAT(refusal(start({"--nodes", "http://a:0", "http://b:9000"})), HasSubstr("no port"));
  EXPECT_THAT(refusal(start({"--nodes", "http://:9000", "http://b:9000"})), HasSubstr("no host name"));
  EXPECT_THAT(refusal(start({"--nodes", "http://a:9000/data", "http://b:9000"})), HasSubstr("named by drives"));
  EXPECT_THAT(refusal(start({"--drives", "http://a/d{1...2}", "/d3"})), HasSubstr("both with and without"));
  EXPECT_THAT(refusal(start({"--drives", "http://a/d1", "http://a/d1"})), HasSubstr("named twice"));
  EXPECT_THAT(refusal(start({"--drives", "http://{a,b}"})), HasSubstr("without a directory"));
  EXPECT_THAT(refusal(start({"--nodes", "http://n{1...2}:9000", "--drives", "http://n{1...2}:9000/d"})),
              HasSubstr("give them once"));
  EXPECT_THAT(refusal(start({"--nodes", "http://n{1...2}:9000", "--node-id", "3"})), HasSubstr("between 1 and 2"));
}

TEST(Nodes, NeedThreePortsEach) {
  EXPECT_THAT(refusal(start({"--nodes", "http://a:65500", "http://b:9000"})), HasSubstr("end past 65535"));
  EXPECT_THAT(refusal(start({"--nodes", "http://a:9000", "http://a:9100"})), HasSubstr("needed twice"));
  EXPECT_EQ(refusal(start({"--nodes", "http://a:9000", "http://a:9100", "--metadata-port-offset", "1"})), "accepted");
}

TEST(OwnNode, IsTheOneThatWasSaid) {
  EXPECT_EQ(own_of({"--nodes", "http://n{1...4}:9000", "--node-id", "2"}, machine("n4")).value_or(0), 2u);
}

TEST(OwnNode, IsKnownByTheNameOfThePod) {
  EXPECT_EQ(own_of({"--nodes", "http://firn-{0...10}.firn:9000"}, machine("firn-1")).value_or(0), 2u);
  EXPECT_EQ(own_of({"--nodes", "http://firn-{0...10}.firn:9000"}, machine("firn-10")).value_or(0), 11u);
}

TEST(OwnNode, IsKnownByWhereTheNamesLead) {
  EXPECT_EQ(own_of({"--nodes", "http://10.0.0.{1...4}:9000"}, machine("box", {"10.0.0.3"})).value_or(0), 3u);
}

TEST(OwnNode, MustBeOne) {
  const std::vector<std::string> list{"--nodes", "http://127.0.0.1:{9701...9704}"};
  const auto several = own_of(list, machine("box", {"127.0.0.1"}));
  ASSERT_FALSE(several);
  EXPECT_THAT(several.error().message, HasSubstr("both node 1 and node 2"));
  const auto none = own_of(list, machine("box"));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("--node-id"));
}

TEST(OwnNode, IsLookedForAgainWhileNamesDoNotResolve) {
  const LocalMachine late{"box", [](const std::string&) -> Result<bool> { return Errc::request_timeout; }};
  const auto own = own_of({"--nodes", "http://n{1...4}:9000"}, late);
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().code, Errc::request_timeout);
}

TEST(OwnNode, ServesOnItsPortOfTheListUnlessToldOtherwise) {
  auto config = start({"--nodes", "http://n{1...4}:9010", "--node-id", "2"});
  ASSERT_TRUE(settle_own_node(*config, machine("n2")));
  EXPECT_EQ(config->listen_host, "0.0.0.0");
  EXPECT_EQ(config->listen_port, 9010);
  config = start({"--nodes", "http://n{1...4}:9010", "--node-id", "2", "--listen", "10.0.0.2:9011"});
  ASSERT_TRUE(settle_own_node(*config, machine("n2")));
  EXPECT_EQ(config->listen_port, 9011);
}

}  // namespace
}  // namespace firn::config
