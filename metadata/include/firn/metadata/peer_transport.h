#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "firn/base/cluster_identity.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"
#include "firn/metadata/transport.h"

namespace firn::metadata {

/// The metadata traffic between nodes over gRPC: Raft's messages, snapshots, and the hello by which a cluster forms
/// (docs/formats/metadata-protocol.md). Made first of all, before there is a metadata node or a cluster id: hello works
/// from the start, messages and snapshots once the cluster is known and an endpoint is attached.
///
/// Threads: any; `hello` on an io thread. gRPC's own threads call the endpoint; the hello handler runs on the first io
/// thread. Reading a snapshot that a peer fetches is done on the blocking pool.
/// Memory: 64 MiB of messages waiting for each peer, past that new ones are dropped; 2 MiB per snapshot under way.
/// Failures of a peer: Errc::drive_unreachable when it can't be reached, is silent, or has no certificate that is
/// trusted; access_denied for another cluster key, unsupported_version, invalid_argument for another cluster or node.
class PeerTransport : public RaftTransport {
 public:
  struct Peer {
    NodeId node;
    std::string host;  ///< A name is looked up again whenever the connection is made again.
    std::uint16_t port = 0;
  };
  /// What this node answers to a peer whose key is right; the bytes are the caller's affair. Its cluster may be
  /// another, or none.
  using HelloHandler = std::function<Task<std::string>(NodeId from, std::string request)>;
  struct Options {
    ClusterIdentity identity;  ///< `cluster` may be zero until `set_cluster`.
    std::string host = "0.0.0.0";
    std::uint16_t port = 0;   ///< 0: any free one.
    std::vector<Peer> peers;  ///< More may be added.
    HelloHandler hello;
    std::chrono::milliseconds silence_max{15'000};  ///< Of a peer that sends a snapshot.
  };

  /// Listens. Errc::io_error when the address is taken or TLS files can't be used, invalid_argument for a key that is
  /// too short. `runtime` must outlive it.
  static Result<std::unique_ptr<PeerTransport>> start(Runtime& runtime, Options options);

  virtual std::uint16_t port() const = 0;
  /// Once the cluster is formed or joined: from now on peers of another one are refused, but for their hello.
  virtual void set_cluster(Uuid cluster) = 0;
  /// Adds a peer, or goes on at its new address.
  virtual void add(Peer peer) = 0;
  virtual void remove(NodeId peer) = 0;
  virtual Task<std::string> hello(NodeId to, std::string request,
                                  std::chrono::milliseconds timeout = std::chrono::milliseconds(1'000)) = 0;
  /// Ends everything, and waits for it: handlers under way too, so not on an io thread. The last call, before the
  /// runtime stops.
  virtual void stop() = 0;
};

}  // namespace firn::metadata
