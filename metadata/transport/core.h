#pragma once

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "firn/metadata/peer_transport.h"
#include "transport/call_proof.h"

namespace firn::metadata::transport {

/// The node behind the transport, while it is attached.
///
/// Threads: any. `detach` waits for calls under way.
class EndpointSlot {
 public:
  void attach(RaftEndpoint& endpoint) {
    const std::unique_lock lock(mutex_);
    endpoint_ = &endpoint;
  }
  void detach() {
    const std::unique_lock lock(mutex_);
    endpoint_ = nullptr;
  }
  /// False when none is attached.
  template <class Call>
  bool with(Call call) {
    const std::shared_lock lock(mutex_);
    if (endpoint_ == nullptr) return false;
    call(*endpoint_);
    return true;
  }

 private:
  std::shared_mutex mutex_;
  RaftEndpoint* endpoint_ = nullptr;
};

/// What both sides of the transport need.
///
/// Threads: any.
class Core {
 public:
  Core(Runtime& process, const PeerTransport::Options& options)
      : runtime(process),
        key(options.identity.key),
        own(options.identity.node),
        hello(options.hello),
        silence_max(options.silence_max),
        signer(key, own),
        judge(key, own),
        cluster_(options.identity.cluster) {}

  Uuid cluster() const {
    const std::lock_guard lock(mutex_);
    return cluster_;
  }
  void set_cluster(Uuid cluster) {
    const std::lock_guard lock(mutex_);
    cluster_ = cluster;
  }

  Runtime& runtime;
  const std::string key;
  const NodeId own;
  const PeerTransport::HelloHandler hello;
  const std::chrono::milliseconds silence_max;
  CallSigner signer;
  CallJudge judge;
  EndpointSlot endpoint;

 private:
  mutable std::mutex mutex_;
  Uuid cluster_;
};

}  // namespace firn::metadata::transport
