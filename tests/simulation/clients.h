#pragma once

#include <functional>
#include <map>
#include <string>

#include "history.h"
#include "node.h"

namespace firn::simulation {

/// S3 clients: each does one thing after another, each time through any node that serves.
class Clients {
 public:
  struct Parts {
    LogGroup& log;
    History& history;
    Trace& trace;
    std::function<Node*()> any_node;         ///< Null while none serves.
    std::function<void(std::string)> wrong;  ///< Told what must not be.
  };
  static constexpr std::size_t kKeys = 8;

  Clients(Parts parts, Random random) : parts_(std::move(parts)), random_(random) {}

  static std::string key(std::size_t number) { return "key-" + std::to_string(number); }
  static BucketId bucket() { return BucketId{1}; }

  /// `operations` of one client.
  boost::asio::awaitable<void> run(std::size_t operations);
  /// Reads the whole object and gives its token. Says when its bytes are not those of its etag.
  Task<std::string> read(Node& node, std::string key);
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  std::string new_body();
  Operation& begin(Operation::Kind kind, const std::string& key);
  metadata::Conditions some_conditions(const std::string& key);
  boost::asio::awaitable<void> put(Node& node, std::string key);
  boost::asio::awaitable<void> copy(Node& node, std::string key);
  boost::asio::awaitable<void> upload(Node& node, std::string key);
  boost::asio::awaitable<void> remove(Node& node, std::string key);
  boost::asio::awaitable<void> get(Node& node, std::string key);
  Task<metadata::Committed> upload_part(Node& node, Operation& operation, std::string body);
  void end(Node& node, Operation& operation, const Result<metadata::Committed>& answer);

  const Parts parts_;
  Random random_;
  std::map<std::string, std::string> bodies_;  // By etag.
  std::uint64_t tokens_ = 0;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace firn::simulation
