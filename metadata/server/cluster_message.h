#pragma once

#include <string>
#include <string_view>

namespace firn::metadata {

// What the metadata nodes of a cluster send each other: version (1), kind (1), payload. docs/formats/raft-log.md.
inline constexpr char kClusterMessageVersion = 1;
inline constexpr char kRaftMessage = 1;      ///< raft-rs's own.
inline constexpr char kJoinRequest = 2;      ///< member (8): let me in.
inline constexpr char kSnapshotRefused = 3;  ///< member (8): could not fetch what it was offered.

struct ClusterMessage {
  char kind = 0;  ///< 0: none that this build knows.
  std::string_view payload;
};

inline std::string make_message(char kind, std::string_view payload) {
  std::string message{kClusterMessageVersion, kind};
  return message.append(payload);
}

inline ClusterMessage parse_message(std::string_view message) {
  if (message.size() < 2 || message[0] != kClusterMessageVersion) return {};
  return {message[1], message.substr(2)};
}

}  // namespace firn::metadata
