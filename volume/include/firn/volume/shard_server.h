#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "firn/base/cluster_identity.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"
#include "firn/volume/drive_service.h"

namespace firn::volume {

/// Serves this node's drives to its peers, over the shard protocol (docs/formats/shard-protocol.md).
///
/// Threads: any; a connection stays on the io thread that took it, and so do its requests.
/// Durability: as DriveService; an answer is sent when the drive's call has returned.
/// Memory: `Options::inflight_bytes_max` over all connections, and beyond it one request per connection, so that each
/// goes on. Past that a connection is not read until what it asked for is done.
class ShardServer {
 public:
  struct Options {
    ClusterIdentity identity;
    std::string host = "0.0.0.0";
    std::uint16_t port = 0;  ///< 0: any free one.
    /// 128 records, enough to keep dozens of drives busy.
    std::uint64_t inflight_bytes_max = 128ULL << 20;
    /// One per io thread of every peer, with room for those that come again before the old ones are missed.
    std::size_t connections_max = 4096;
  };

  /// Listens. Errc::io_error when the address is taken or TLS files can't be used, invalid_argument for a key that is
  /// too short. `runtime` must outlive it.
  static Result<std::unique_ptr<ShardServer>> start(Runtime& runtime, Options options);
  virtual ~ShardServer() = default;

  virtual std::uint16_t port() const = 0;
  /// From now on `drive` answers for its index; peers are told within half a second. Another one in its place is
  /// withdrawn.
  virtual void serve(std::shared_ptr<DriveService> drive, Uuid uuid) = 0;
  /// Requests for it answer Errc::drive_out from now on; those under way end by themselves.
  virtual void withdraw(DriveIndex drive) = 0;
  /// Ends every connection once its requests under way have ended. The last call, before the drives and the runtime
  /// stop.
  virtual Task<> stop() = 0;
};

}  // namespace firn::volume
