#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "firn/base/ids.h"

namespace firn {

/// PEM files of mutual TLS between nodes: each side shows `certificate_path` and accepts what `authority_path` signed.
struct PeerTls {
  std::string certificate_path;
  std::string key_path;
  std::string authority_path;
  friend bool operator==(const PeerTls&, const PeerTls&) = default;
};

/// Shorter cluster keys are refused: what proves them crosses the wire, and could be searched for offline.
inline constexpr std::size_t kClusterKeyBytesMin = 16;

/// Who a node is to its peers, and how both prove it. The key itself never crosses the wire.
struct ClusterIdentity {
  Uuid cluster;     ///< All zero before a cluster is formed.
  NodeId node;      ///< Of this process.
  std::string key;  ///< FIRN_CLUSTER_KEY.
  std::optional<PeerTls> tls;
};

}  // namespace firn
