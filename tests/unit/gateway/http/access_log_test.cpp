#include "http/access_log.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "test_client.h"
#include "test_server.h"

namespace firn::gateway {
namespace {

using namespace test;

/// A file name of this test's own, removed at the end.
class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() : path_(testing::TempDir() + "firn_access_log_" + std::to_string(::getpid())) {}
  ~AccessLogTest() override { std::filesystem::remove(path_); }
  std::string text() const {
    std::ifstream file(path_);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }
  const std::string path_;
  MetricRegistry registry_;
};

TEST_F(AccessLogTest, HasOneJsonObjectPerRequestAndNoQuery) {
  auto log = AccessLog::open(path_, registry_);
  ASSERT_TRUE(log) << log.error().detail;
  std::string request_id;
  {
    TestServer server({}, nullptr, log->get());
    Client client(server.port());
    client.send(request_head({.method = "GET", .path = "/b/5", .query = "response-content-type=secret"}));
    request_id = client.receive()->header("x-amz-request-id");
    client.send("GET /b/5 HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_EQ(client.receive()->status, 403);
    server.stop(std::chrono::seconds(10));
  }
  log->reset();  // Written out.
  std::istringstream lines(text());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto entry = boost::json::parse(line).as_object();
  EXPECT_EQ(entry.at("time"), "2013-05-24T00:00:00.000Z");
  EXPECT_EQ(entry.at("request_id").as_string(), request_id);
  EXPECT_EQ(entry.at("operation"), "Stream");
  EXPECT_EQ(entry.at("method"), "GET");
  EXPECT_EQ(entry.at("path"), "/b/5");
  EXPECT_EQ(entry.at("status"), 200);
  EXPECT_EQ(entry.at("sent_bytes"), 5);
  EXPECT_EQ(entry.at("access_key").as_string(), kAccessKey);
  EXPECT_TRUE(entry.at("peer").as_string().starts_with("127.0.0.1:"));
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(boost::json::parse(line).as_object().at("status"), 403);
  EXPECT_EQ(boost::json::parse(line).as_object().at("access_key"), "");
  EXPECT_FALSE(std::getline(lines, line));
  EXPECT_EQ(text().find("secret"), std::string::npos);
}

TEST_F(AccessLogTest, StaysOneLineWhateverThePathHolds) {
  std::string line;
  append_json_line(line, {.raw_path = "/a\"b\\c\n\x01\xFF"});
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(boost::json::parse(line).as_object().at("path"), "/a\"b\\c\n\x01\xC3\xBF");
}

TEST_F(AccessLogTest, DropsAndCountsWhatComesTooFast) {
  // A pipe nobody reads is a disk that stalls.
  const std::string pipe = path_ + "_pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  auto log = AccessLog::open(pipe, registry_);
  ASSERT_TRUE(log);
  const std::string long_path(1000, 'x');
  const std::size_t lines = 3 * AccessLog::kPendingBytesMax / long_path.size();
  for (std::size_t i = 0; i < lines; ++i) (*log)->write({.raw_path = long_path});
  EXPECT_GT(registry_.counter("firn_access_log_dropped_total", "").value(), lines / 4);
  ::close(reader);  // The writer's next write fails, and it ends.
  log->reset();
  std::filesystem::remove(pipe);
}

TEST_F(AccessLogTest, CannotBeOpenedWhereThereIsNoFolder) {
  EXPECT_EQ(AccessLog::open(path_ + "/no/such", registry_).code(), Errc::io_error);
}

}  // namespace
}  // namespace firn::gateway
