#include "banner.h"

#include "firn/server/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firn::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

config::Config configured() {
  config::Config config;
  config.drives = {"/data/drive1"};
  config.listen_host = "127.0.0.1";
  config.region = "us-east-1";
  config.root = config::Config::Credential{"somebody", "the-secret-itself"};
  return config;
}

TEST(Banner, HasALineToPaste) {
  const auto text = banner(configured(), {.drives = 6, .drives_in = 6, .access_key = "somebody", .port = 9000});
  EXPECT_THAT(text, HasSubstr("aws --endpoint-url http://127.0.0.1:9000 --region us-east-1 s3 ls"));
  EXPECT_THAT(text, HasSubstr("6 of 6 in"));
}

TEST(Banner, NeverShowsASecret) {
  EXPECT_THAT(banner(configured(), {.access_key = "somebody"}), Not(HasSubstr("the-secret-itself")));
}

TEST(Banner, NamesTheFileThatHasTheSecret) {
  const auto text = banner(configured(), {.access_key = "K", .root_file = "/data/drive1/root-credentials"});
  EXPECT_THAT(text, HasSubstr("env $(cat /data/drive1/root-credentials) aws"));
}

TEST(Endpoint, IsOneThatAClientOnThisMachineCanUse) {
  auto config = configured();
  config.listen_host = "0.0.0.0";
  EXPECT_EQ(endpoint(config, 9000), "http://127.0.0.1:9000");
  config.listen_host = "::1";
  config.tls_certificate_path = "/cert.pem";
  EXPECT_EQ(endpoint(config, 9443), "https://[::1]:9443");
}

}  // namespace
}  // namespace firn::server
