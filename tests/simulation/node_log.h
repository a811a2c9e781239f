#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "log/replicated_log.h"
#include "log_group.h"

namespace firn::simulation {

/// One process's side of the log: proposals whose fate is not known are settled by fences, as RaftLog settles them
/// (decision 0006), and answered when this node has applied them.
class NodeLog final : public metadata::ReplicatedLog {
 public:
  struct Parts {
    LogGroup& group;
    Network& network;
    NodeId node;
    std::uint64_t start = 0;  ///< Which start of the node's process.
    boost::asio::any_io_executor executor;
    std::function<void(const metadata::MapRecord&)> map_changed;
  };
  explicit NodeLog(Parts parts) : parts_(std::move(parts)) {}

  void propose(std::unique_ptr<metadata::Proposal> proposal) override;
  bool reads_need_barrier() const override { return true; }
  void read_barrier(Barrier reached) override;
  Status status() const override { return {}; }

  /// Applies what is committed, until `kill`.
  boost::asio::awaitable<void> follow();
  /// The process is gone: nobody hears of its proposals any more.
  void kill();
  const bool& alive() const { return alive_; }
  /// Coroutines that have not ended.
  std::size_t under_way() const { return under_way_; }

 private:
  struct Pending {
    std::unique_ptr<metadata::Proposal> proposal;
    std::uint64_t sequence = 0;
    Signal seen;
    bool done() const { return proposal == nullptr; }
  };
  void send(metadata::LogEntry::Kind kind, std::uint64_t sequence, std::string command);
  boost::asio::awaitable<void> carry_out(std::shared_ptr<Pending> pending);
  boost::asio::awaitable<void> settle(std::shared_ptr<Pending> pending, std::chrono::nanoseconds until);
  boost::asio::awaitable<void> reach(Barrier reached);
  boost::asio::awaitable<bool> ask_leader(std::uint64_t& index);
  void apply(const LogGroup::Entry& entry);
  void spawn(boost::asio::awaitable<void> work);

  const Parts parts_;
  bool alive_ = true;
  std::size_t under_way_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t settled_below_ = 0;
  std::uint64_t applied_ = 0;
  Signal applied_changed_;
  std::map<std::uint64_t, std::shared_ptr<Pending>> sent_;
};

}  // namespace firn::simulation
