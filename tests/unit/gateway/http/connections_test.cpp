#include <gtest/gtest.h>

#include <poll.h>

#include <string>

#include "http/connection.h"
#include "http/limits.h"
#include "test_client.h"
#include "test_server.h"

namespace firn::gateway {
namespace {

using namespace test;
using namespace std::chrono_literals;

TEST(Progress, RunsOutWhenNothingMoves) {
  ProgressBudget budget;
  const SteadyTime start{};
  EXPECT_EQ(budget.deadline(start), start + limits::kProgressPatience);
  budget.waited(20s, 0);
  EXPECT_EQ(budget.deadline(start), start + limits::kProgressPatience - 20s);
  budget.waited(20s, 0);
  EXPECT_EQ(budget.deadline(start), start);
}

TEST(Progress, IsEarnedBackByBytesUpToFullPatience) {
  ProgressBudget budget;
  const SteadyTime start{};
  budget.waited(10s, 4 * limits::kProgressBytesPerSecondMin);
  EXPECT_EQ(budget.deadline(start), start + limits::kProgressPatience - 6s);
  budget.waited(1s, std::uint64_t{1} << 40);
  EXPECT_EQ(budget.deadline(start), start + limits::kProgressPatience);
  for (int i = 0; i < 29; ++i) budget.waited(1s, 1);  // A byte a second is no progress.
  EXPECT_LT(budget.deadline(start), start + 2s);
}

/// Clients that hold a connection and give nothing for it.
class SlowClient : public testing::Test {
 protected:
  /// Lets time pass until the server has ended the connection. The clock must run on between sweeps, since nobody
  /// outside can see when a session begins to wait.
  void expect_cut(Client& client) {
    while (!client.ended()) {
      server_.clock().advance(1s);
      server_.sweep();
    }
  }
  void let_pass(std::chrono::seconds time) {
    for (auto passed = 0s; passed < time; passed += 1s) {
      server_.clock().advance(1s);
      server_.sweep();
    }
  }

  TestServer server_;
};

TEST_F(SlowClient, IsCutWhenItNeverSaysAnything) {
  Client client(server_.port());
  expect_cut(client);
}

TEST_F(SlowClient, IsCutWhenItStopsBetweenRequests) {
  Client client(server_.port());
  client.send(get("/b/3"));
  ASSERT_TRUE(client.receive());
  let_pass(limits::kIdleDeadline / 2);
  client.send(get("/b/3"));
  ASSERT_TRUE(client.receive());  // In time: the wait begins anew.
  expect_cut(client);
}

TEST_F(SlowClient, IsCutInTheMiddleOfItsHead) {
  Client client(server_.port());
  client.send("GET /b/3 HTTP/1.1\r\nHost: h\r\nX-Slow: ");
  expect_cut(client);
}

TEST_F(SlowClient, IsCutInTheMiddleOfItsBody) {
  Client client(server_.port());
  client.send(request_head({.method = "PUT", .path = "/b/k"}, "UNSIGNED-PAYLOAD", 1000) + "some");
  expect_cut(client);
}

TEST_F(SlowClient, IsCutWhenItDoesNotTakeItsAnswer) {
  Client client(server_.port());
  client.send(get("/b/100000000"));
  pollfd readable{client.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, -1), 1);
  std::size_t connections = 1;
  while (connections > 0) {
    server_.clock().advance(1s);
    server_.sweep();
    connections = server_.connections();
  }
  EXPECT_LT(client.receive_all().size(), 100'000'000u);
}

TEST_F(SlowClient, DoesNotKeepOthersFromBeingServed) {
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<Client>(server_.port()));
    slow.back()->send("GET /b/3 HTTP/1.1\r\n");
  }
  Client quick(server_.port());
  for (int i = 0; i < 10; ++i) {
    quick.send(get("/b/3"));
    ASSERT_EQ(quick.receive()->status, 200);
  }
  for (auto& client : slow) expect_cut(*client);
}

TEST(Stopping, LetsTheRequestUnderWayFinishAndEndsTheIdle) {
  TestServer server;
  Client idle(server.port());
  idle.send(get("/b/1"));
  ASSERT_TRUE(idle.receive());
  Client busy(server.port());
  busy.send(get("/b/50000000"));
  pollfd readable{busy.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, -1), 1);
  std::string body;
  std::thread reader([&] { body = busy.receive_all(); });
  server.stop(std::chrono::minutes(1));
  reader.join();
  EXPECT_GT(body.size(), 50'000'000u);
  EXPECT_EQ(idle.receive_all(), "");
}

TEST(Stopping, CutsWhatOutlivesTheGrace) {
  TestServer server;
  Client stuck(server.port());
  stuck.send(request_head({.method = "PUT", .path = "/b/k"}, "UNSIGNED-PAYLOAD", 1000) + "some");
  server.stop(std::chrono::milliseconds(1));
  EXPECT_FALSE(stuck.receive());
}

TEST(Listening, IsRefusedWhereAnotherServerListens) {
  const auto loopback = boost::asio::ip::address_v4::loopback();
  std::uint16_t port = 0;
  {
    TestServer server;
    port = server.port();
    EXPECT_EQ(Listener::check_free({loopback, port}).code(), Errc::io_error);
    Client client(port);  // Leaves a connection in TIME_WAIT, which is no reason to refuse.
    client.send(get("/b/1"));
    ASSERT_TRUE(client.receive());
  }
  EXPECT_TRUE(Listener::check_free({loopback, port}));
}

TEST(ConnectionLimit, AnswersSlowDownBeyondIt) {
  TestServer server(Server::Options{.connections_max = 2});
  Client first(server.port());
  first.send(get("/b/1"));
  ASSERT_TRUE(first.receive());
  {
    Client second(server.port());
    second.send(get("/b/1"));
    ASSERT_TRUE(second.receive());
    Client third(server.port());
    const auto answer = third.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503);
    EXPECT_NE(answer->body.find("<Code>SlowDown</Code>"), std::string::npos);
    EXPECT_TRUE(third.receive_all().empty());
  }
  while (server.connections() > 1) std::this_thread::yield();
  Client fourth(server.port());
  fourth.send(get("/b/1"));
  EXPECT_EQ(fourth.receive()->status, 200);
}

}  // namespace
}  // namespace firn::gateway
