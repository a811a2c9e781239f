#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "firn/metadata/transport.h"
#include "test_node.h"

namespace firn::metadata {

/// Carries messages between nodes of one process, and loses, delays and cuts off as it is told.
class TestNetwork {
 public:
  explicit TestNetwork(std::uint64_t seed);
  ~TestNetwork();

  std::unique_ptr<RaftTransport> transport(NodeId node);
  /// Nothing gets from one to the other, in both directions.
  void cut(NodeId a, NodeId b);
  void cut_off(NodeId node, std::size_t nodes);
  void heal();
  /// Of each thousand messages so many are lost; others are late by up to `delay`.
  void disturb(unsigned lost_of_thousand, std::chrono::milliseconds delay);

 private:
  friend class TestTransport;
  struct Place {
    std::shared_mutex use;  ///< Held alone by who takes the endpoint away.
    RaftEndpoint* endpoint = nullptr;
  };
  struct Letter {
    NodeId from, to;
    std::string message;
  };
  using Time = std::chrono::steady_clock::time_point;
  void send(NodeId from, NodeId to, std::string message);
  bool connected(NodeId a, NodeId b);
  Place& place(NodeId node);
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::uint32_t, Place> places_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> cuts_;
  std::multimap<Time, Letter> letters_;
  std::mt19937_64 random_;
  unsigned lost_of_thousand_ = 0;
  std::chrono::milliseconds delay_{0};
  bool stopping_ = false;
  std::thread thread_;
};

/// Nodes with two drives each, in one process.
class TestCluster {
 public:
  explicit TestCluster(std::size_t nodes, std::uint64_t seed = 1);
  ~TestCluster();

  /// For the next start of any node. Small sizes, short times.
  Node::ClusterOptions options;

  /// Begins the cluster with the first `voters` nodes.
  void begin(std::size_t voters);
  Result<> start(std::uint32_t node);
  /// Starts it on empty drives, and lets it ask to be let in.
  Result<> join(std::uint32_t node);
  void stop(std::uint32_t node) { nodes_.at(node).reset(); }
  void wipe(std::uint32_t node);

  Node& node(std::uint32_t number) { return *nodes_.at(number); }
  Client& client(std::uint32_t number) { return node(number).client(); }
  std::filesystem::path drive(std::uint32_t node, std::uint16_t drive) const;
  TestNetwork& network() { return network_; }
  Runtime& runtime() { return runtime_; }

  template <class T>
  Result<T> run(Task<T> task) {
    return boost::asio::co_spawn(runtime_.io(0), std::move(task), boost::asio::use_future).get();
  }
  /// Looks every few milliseconds; false after a minute and a half.
  bool wait_until(const std::function<bool()>& holds);
  /// A node that leads, with most others in reach; 0 when none does in time.
  std::uint32_t leader();
  std::size_t voters();

 private:
  Result<> open(std::uint32_t node, bool join);

  TempDirectory directory_;
  const std::size_t count_;
  TestNetwork network_;
  Runtime runtime_;
  std::vector<NodeId> voters_;
  std::map<std::uint32_t, std::unique_ptr<RaftTransport>> transports_;
  std::map<std::uint32_t, std::unique_ptr<Node>> nodes_;
};

}  // namespace firn::metadata
