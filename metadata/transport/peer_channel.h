#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "peer.grpc.pb.h"
#include "transport/core.h"

namespace firn::metadata::transport {

class MessageStream;

/// The calling side towards one peer.
///
/// Threads: any. Shared by its owner and calls under way.
class PeerChannel : public std::enable_shared_from_this<PeerChannel> {
 public:
  PeerChannel(std::shared_ptr<Core> core, NodeId peer, std::shared_ptr<grpc::Channel> channel);

  NodeId peer() const { return peer_; }
  Task<std::string> hello(std::string request, std::chrono::milliseconds timeout);
  void send(std::string message);
  Result<> fetch_snapshot(const std::string& name, SnapshotSink& sink);
  /// Fails the fetches under way.
  void cancel_fetches();
  /// Ends every call, and waits until gRPC is done with them.
  void close();

 private:
  friend class MessageStream;
  struct HelloCall;

  Nonce nonce() const;
  /// True when the call was refused for want of the server's nonce, which is known now.
  bool learn_nonce(const grpc::Status& status, const grpc::ClientContext& context);
  CallHeader sign(grpc::ClientContext& context, const CallSubject& subject);
  boost::asio::awaitable<void> run(std::shared_ptr<HelloCall> call);
  struct Fetched {
    grpc::Status status;
    std::optional<Error> sink_failure;
    bool whole = false;
  };
  Fetched fetch_once(const std::string& name, SnapshotSink& sink, const std::shared_ptr<grpc::ClientContext>& context);
  bool enter();
  void leave();

  // mutex_ held.
  void make_stream();
  bool take_batch(proto::MessageBatch& batch);
  // Of the stream.
  void stream_ended(const grpc::Status& status, const grpc::ClientContext& context);

  const std::shared_ptr<Core> core_;
  const NodeId peer_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<proto::Peer::Stub> stub_;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool closed_ = false;
  std::size_t calls_ = 0;
  Nonce nonce_{};
  std::set<std::shared_ptr<grpc::ClientContext>> fetches_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::shared_ptr<MessageStream> stream_;
  bool challenged_ = false;  ///< The stream before this one was refused for its nonce.
  std::chrono::steady_clock::time_point retry_at_;
  std::string refusal_;  ///< Why the last stream ended, so as to say it once.
};

}  // namespace firn::metadata::transport
