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
#include "firn/volume/drive_service.h"

namespace firn::volume {

/// Where a node's shard server listens. A name is looked up at each attempt to connect: a pod may change its address.
struct PeerAddress {
  NodeId node;
  std::string host;
  std::uint16_t port = 0;
};

/// A drive on another node, for as long as that node has it open: a drive that was opened again is another service.
struct RemoteDrive {
  NodeId node;
  Uuid uuid;
  std::shared_ptr<DriveService> service;
};

/// How a peer was last seen.
struct PeerStatus {
  NodeId node;
  bool reachable = false;
  /// It fell silent, or its machine answers that no process listens there: more than a connection that was cut.
  bool gone = false;
  std::string why_not;  ///< Why the last attempt to reach it failed; empty while it is reachable.
  std::size_t drives = 0;
};

/// The drives of other nodes, over the shard protocol (docs/formats/shard-protocol.md). Keeps one connection per io
/// thread and peer, opened when first needed and again by itself; the first io thread's is kept up always and shows
/// whether the peer is there and which drives it serves.
///
/// Threads: any; drives' calls on io threads, each over its own thread's connection. Events come on the first io thread
/// and must return at once. Memory: a few KB per connection, and what callers ask for; appended bytes are sent from the
/// caller's memory, bytes read are received into the buffers the caller gets.
/// A peer that can't be reached, or falls silent, answers Errc::drive_unreachable; whether an append or removal under
/// way then happened is not known.
class RemoteDrives {
 public:
  struct Options {
    ClusterIdentity identity;
    std::chrono::milliseconds connect_timeout{2'000};  ///< Name, connection and handshake together.
    std::chrono::milliseconds silence_max{3'000};      ///< A peer with something to answer is heard every half second.
    std::chrono::milliseconds answer_timeout{30'000};  ///< Of one request, however lively the peer is.
    std::chrono::milliseconds retry_min{100};          ///< Between attempts to connect; doubles up to `retry_max`.
    std::chrono::milliseconds retry_max{1'000};
  };
  struct Events {
    /// A drive that was not there before, or was opened again: Client::connect(service->index(), service).
    std::function<void(const RemoteDrive&)> drive_opened;
    /// A peer was reached, is lost, or was found to be gone. Told after a change alone; every peer begins as not
    /// reachable.
    std::function<void(const PeerStatus&)> peer_changed;
  };

  /// Errc::invalid_argument for a key that is too short, io_error for TLS files that can't be used. `runtime` must
  /// outlive it.
  static Result<std::unique_ptr<RemoteDrives>> make(Runtime& runtime, Options options, Events events);
  virtual ~RemoteDrives() = default;

  /// Begins to connect to a peer, or goes on at its new address.
  virtual void add(PeerAddress peer) = 0;
  virtual void remove(NodeId peer) = 0;
  virtual std::vector<PeerStatus> status() const = 0;
  /// Ends every connection; requests under way answer drive_unreachable, and later ones too. The last call, before the
  /// runtime stops. Drives may be held on to.
  virtual Task<> stop() = 0;
};

}  // namespace firn::volume
