#include "http/service_endpoints.h"

#include <gtest/gtest.h>

#include <string>

#include "test_client.h"
#include "test_server.h"

namespace firn::gateway {
namespace {

using namespace test;

int status_of(TestServer& server, std::string_view method, std::string_view path, std::string_view headers = {}) {
  Client client(server.port());
  client.send(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) +
              "\r\n");
  const auto answer = client.receive(method == "HEAD");
  return answer ? answer->status : 0;
}

TEST(HealthEndpoints, SayOnlyTheirStatusToAnybody) {
  TestServer server;
  for (const char* path : {"/firn/health/live", "/firn/health/ready", "/minio/health/live", "/minio/health/ready",
                           "/minio/health/cluster", "/minio/health/cluster?maintenance=true"}) {
    for (const char* method : {"GET", "HEAD"}) EXPECT_EQ(status_of(server, method, path), 200) << method << path;
  }
  Client client(server.port());
  client.send("GET /firn/health/ready HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.receive()->body, "");
}

TEST(HealthEndpoints, FollowTheStateOfTheStore) {
  TestServer server;
  server.health().write_quorum_ = false;
  EXPECT_EQ(status_of(server, "GET", "/minio/health/cluster"), 503);
  EXPECT_EQ(status_of(server, "GET", "/firn/health/ready"), 200);
  server.health().ready_ = false;
  EXPECT_EQ(status_of(server, "GET", "/firn/health/ready"), 503);
  EXPECT_EQ(status_of(server, "HEAD", "/minio/health/ready"), 503);
  EXPECT_EQ(status_of(server, "GET", "/firn/health/live"), 200);
}

TEST(HealthEndpoints, AreAllThatIsAnsweredBeforeTheStoreIsOpen) {
  TestServer server(Server::Options{.metrics_public = true});
  server.serve(false);
  EXPECT_EQ(status_of(server, "GET", "/firn/health/live"), 200);
  EXPECT_EQ(status_of(server, "GET", "/firn/metrics"), 200);
  EXPECT_EQ(status_of(server, "GET", "/b/10"), 503);
  EXPECT_EQ(status_of(server, "GET", "/firn/admin/v1/status"), 503);
  server.serve(true);
  EXPECT_EQ(status_of(server, "GET", "/b/10"), 403) << "without a signature";
}

TEST(HealthEndpoints, OpenNoOtherPathAndNoOtherMethod) {
  TestServer server;
  for (const char* path :
       {"/firn/health/other", "/firn/health/live/", "/firn/health", "/minio/health/livex", "/firn/"}) {
    EXPECT_EQ(status_of(server, "GET", path), 403) << path;
  }
  EXPECT_EQ(status_of(server, "PUT", "/firn/health/live"), 403);
  EXPECT_EQ(status_of(server, "DELETE", "/firn/health/live"), 403);
}

TEST(MetricsEndpoint, NeedsItsToken) {
  TestServer server(Server::Options{.metrics_token = "the token"});
  EXPECT_EQ(status_of(server, "GET", "/firn/metrics"), 403);
  EXPECT_EQ(status_of(server, "GET", "/firn/metrics", "Authorization: Bearer another\r\n"), 403);
  EXPECT_EQ(status_of(server, "GET", "/firn/metrics", "Authorization: the token\r\n"), 403);
  EXPECT_EQ(status_of(server, "GET", "/firn/metrics", "Authorization: Bearer the token\r\n"), 200);
}

TEST(MetricsEndpoint, IsClosedWithoutATokenAndOpenWhenPublic) {
  TestServer closed;
  EXPECT_EQ(status_of(closed, "GET", "/firn/metrics", "Authorization: Bearer \r\n"), 403);
  TestServer open(Server::Options{.metrics_public = true});
  Client client(open.port());
  client.send("GET /firn/metrics HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto answer = client.receive();
  EXPECT_EQ(answer->status, 200);
  EXPECT_NE(answer->body.find("# TYPE firn_http_connections gauge"), std::string::npos);
}

}  // namespace
}  // namespace firn::gateway
