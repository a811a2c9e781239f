#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/erasure/codec.h"

namespace firn::server {

/// Rises with every release whose nodes need something of each other that older ones don't have. Nodes work together
/// when they are at most one apart.
inline constexpr std::uint32_t kClusterRelease = 1;

/// What a node says of itself to one that asks: to form a cluster, to join one, and to show that it lives.
struct Hello {
  std::uint32_t release = kClusterRelease;
  NodeId node;
  std::uint64_t list_hash = 0;  ///< Of the list of nodes it was given.
  Uuid cluster;                 ///< Zero while it knows of none.
  bool begun = false;           ///< It has had metadata: the cluster has begun.
  std::uint16_t drive_count = 0;
  std::uint16_t drives_total = 0;       ///< Of the cluster when it began; 0 if not known.
  std::optional<erasure::Shape> shape;  ///< The cluster's, or the one it was asked to begin with.
  std::vector<DriveIndex> yours;        ///< The drives of whoever asks, as far as it knows.
  struct Drive {
    DriveIndex index;
    Uuid uuid;
    bool well = false;  ///< Open, not failed, and on the list of what it owes is all that it owes.
    friend bool operator==(const Drive&, const Drive&) = default;
  };
  std::vector<Drive> drives;       ///< Its own, once they are open.
  LeaseId first_open_lease;        ///< The lowest under which it may still write; 0: it has none yet.
  bool serving = false;            ///< It answers S3 clients.
  bool leaving = false;            ///< It stops, and waits for its drives to be out. Absent in what older releases say.
  bool closing = false;            ///< It is about to stop: no new extent is to need its drives.
  std::uint64_t writes_since = 0;  ///< The map's version that its oldest write under way began with.
  std::vector<NodeId> unreached;   ///< Whose drives it has no connection to.
  std::string host;                ///< Where it is reached, as its own list says.
  std::uint16_t port = 0;
  bool retired = false;                       ///< Whoever asks is retired, as this node knows.
  std::uint64_t moving_bytes_per_second = 0;  ///< Of shards that come to its drives.
};

/// JSON with all fields; unknown ones are passed over, so that a later release may add some.
std::string encode(const Hello& hello);
/// Errc::corrupt for what is not one; unsupported_version for a release that is more than one apart.
Result<Hello> decode_hello(std::string_view text);

/// Two nodes with the same list have the same hash.
std::uint64_t list_hash(const std::vector<std::string>& nodes);

}  // namespace firn::server
