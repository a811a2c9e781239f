#pragma once

#include <grpcpp/alarm.h>

#include <memory>

#include "transport/peer_channel.h"

namespace firn::metadata::transport {

/// Raft's messages on their way to a peer: one batch at a time, the next gathered while one is sent.
///
/// Threads: gRPC's, and whoever sends; state is guarded by the channel's mutex. Shared by the channel, whoever sends,
/// and itself until gRPC is done with it.
class MessageStream final : public grpc::ClientWriteReactor<proto::MessageBatch>,
                            public std::enable_shared_from_this<MessageStream> {
 public:
  explicit MessageStream(std::shared_ptr<PeerChannel> channel) : channel_(std::move(channel)) {}

  void start();
  /// Sends what waits, unless a batch is under way or the peer has not proven itself yet. Not under the mutex.
  void write_if_idle();
  void cancel();

  void OnReadInitialMetadataDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  /// gRPC keeps a stream whose owner may still write: this says that it won't. Once.
  void let_go();

  const std::shared_ptr<PeerChannel> channel_;
  grpc::ClientContext context_;
  CallHeader header_{};
  proto::MessagesEnd end_;
  proto::MessageBatch batch_;
  std::shared_ptr<MessageStream> self_;
  grpc::Alarm unproven_;
  // Guarded by the channel's mutex.
  bool started_ = false;
  bool proven_ = false;
  bool writing_ = false;
  bool failed_ = false;
  bool let_go_ = false;
};

}  // namespace firn::metadata::transport
