#pragma once

#include <memory>
#include <mutex>
#include <set>

#include "peer.grpc.pb.h"
#include "transport/core.h"

namespace firn::metadata::transport {

class OutgoingSnapshot;

/// The serving side: judges each call, then hands it to the hello handler or the endpoint.
///
/// Threads: gRPC's own. Must outlive the server it is registered with.
class PeerService final : public proto::Peer::CallbackService {
 public:
  explicit PeerService(Core& core) : core_(core) {}

  grpc::ServerUnaryReactor* Hello(grpc::CallbackServerContext* context, const proto::HelloRequest* request,
                                  proto::HelloAnswer* answer) override;
  grpc::ServerReadReactor<proto::MessageBatch>* Messages(grpc::CallbackServerContext* context,
                                                         proto::MessagesEnd* end) override;
  grpc::ServerWriteReactor<proto::SnapshotPart>* Snapshot(grpc::CallbackServerContext* context,
                                                          const proto::SnapshotRequest* request) override;

  /// No snapshot of the endpoint is read any more.
  void end_snapshots();
  void add(OutgoingSnapshot& snapshot);
  void remove(OutgoingSnapshot& snapshot);
  Core& core() { return core_; }

 private:
  /// The call's header, proven. Else what the call is refused with; the context has what the caller needs to know.
  Result<CallHeader> admit(grpc::CallbackServerContext& context, const CallSubject& subject);
  Result<CallHeader> admit_member(grpc::CallbackServerContext& context, const CallSubject& subject);

  Core& core_;
  std::mutex mutex_;
  std::set<OutgoingSnapshot*> snapshots_;
};

}  // namespace firn::metadata::transport
