#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "firn/base/cluster_identity.h"
#include "firn/base/result.h"
#include "wire/channel.h"
#include "wire/frame.h"

// Who is there, and may they talk: the decisions of the handshake, without its I/O.
namespace firn::volume::wire {

inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::uint16_t kProtocolVersionMin = 1;

using Nonce = std::array<std::uint8_t, 32>;
using Proof = std::array<std::uint8_t, 32>;

inline constexpr std::uint32_t kWatchFlag = 1;

struct HelloBody {
  std::uint16_t version_min;
  std::uint16_t version_max;
  std::uint32_t from;
  std::uint32_t to;
  std::array<std::uint8_t, 16> cluster;
  Nonce nonce;
  std::uint32_t flags;
};

struct ChallengeBody {
  std::uint16_t version;
  std::uint16_t zero;
  std::uint32_t node;
  std::array<std::uint8_t, 16> cluster;
  Nonce nonce;
};
static_assert(sizeof(HelloBody) == 64 && sizeof(ChallengeBody) == 56);

Nonce fresh_nonce();

/// The client's first words to `to`.
HelloBody make_hello(const ClusterIdentity& own, NodeId to, std::uint32_t flags);
/// The server's answer. Errc::unsupported_version, or invalid_argument for another cluster or node.
Result<ChallengeBody> answer_hello(const ClusterIdentity& own, const HelloBody& hello);
/// Whether the client goes on: the version is one it speaks, cluster and node are those it meant.
Result<> check_challenge(const HelloBody& hello, const ChallengeBody& challenge);

enum class Side : std::uint8_t { client, server };
Proof prove(Side side, std::string_view key, const HelloBody& hello, const ChallengeBody& challenge);
/// Errc::access_denied when the other side has another key. Takes the same time wherever they differ.
Result<> check_proof(const Proof& expected, const Proof& found);

/// What a node needs to speak: looks at its key, and reads its TLS files; null without TLS. Errc::invalid_argument for
/// a key that is too short, io_error for files.
Result<std::shared_ptr<TlsFiles>> load_identity(const ClusterIdentity& own);

/// The one structure a handshake frame holds, or the failure it tells. Errc::corrupt when it is something else.
template <class Body>
Result<Body> handshake_body(const Frame& frame, FrameKind kind) {
  if (frame.kind() != kind) return error(Errc::corrupt, "another step of the handshake than was due");
  if (auto failure = failure_of(frame)) return std::move(*failure);
  Body body;
  if (frame.body.size() != sizeof body || frame.header.payload_bytes != 0) {
    return error(Errc::corrupt, "a step of the handshake of the wrong length");
  }
  std::memcpy(&body, frame.body.data(), sizeof body);
  return body;
}

inline constexpr FrameBounds kHandshakeBounds{.body_bytes_max = kHandshakeBodyBytesMax, .payload_bytes_max = 0};

}  // namespace firn::volume::wire
