#include "wire/handshake.h"

#include <algorithm>
#include <cstring>

#include "firn/base/digest.h"

namespace firn::volume::wire {
namespace {

using namespace std::string_view_literals;

template <class Structure>
std::string_view text_of(const Structure& structure) {
  static_assert(std::has_unique_object_representations_v<Structure>);
  return {reinterpret_cast<const char*>(&structure), sizeof structure};
}

std::string cluster_text(const std::array<std::uint8_t, 16>& bytes) { return to_string(Uuid{bytes}); }

}  // namespace

Nonce fresh_nonce() {
  Nonce nonce;
  fill_random(std::as_writable_bytes(std::span(nonce)));
  return nonce;
}

HelloBody make_hello(const ClusterIdentity& own, NodeId to, std::uint32_t flags) {
  return {.version_min = kProtocolVersionMin,
          .version_max = kProtocolVersion,
          .from = own.node.value,
          .to = to.value,
          .cluster = own.cluster.bytes,
          .nonce = fresh_nonce(),
          .flags = flags};
}

Result<ChallengeBody> answer_hello(const ClusterIdentity& own, const HelloBody& hello) {
  const std::uint16_t version = std::min(hello.version_max, kProtocolVersion);
  if (version < hello.version_min || version < kProtocolVersionMin) {
    return error(Errc::unsupported_version,
                 "node " + std::to_string(own.node.value) + " speaks versions " + std::to_string(kProtocolVersionMin) +
                     " to " + std::to_string(kProtocolVersion) + " of the shard protocol, node " +
                     std::to_string(hello.from) + " speaks " + std::to_string(hello.version_min) + " to " +
                     std::to_string(hello.version_max));
  }
  if (hello.cluster != own.cluster.bytes) {
    return error(Errc::invalid_argument, "node " + std::to_string(own.node.value) + " is of cluster " +
                                             to_string(own.cluster) + ", not of " + cluster_text(hello.cluster));
  }
  if (hello.to != own.node.value) {
    return error(Errc::invalid_argument,
                 "this is node " + std::to_string(own.node.value) + ", not node " + std::to_string(hello.to));
  }
  return ChallengeBody{
      .version = version, .zero = 0, .node = own.node.value, .cluster = own.cluster.bytes, .nonce = fresh_nonce()};
}

Result<> check_challenge(const HelloBody& hello, const ChallengeBody& challenge) {
  if (challenge.version < hello.version_min || challenge.version > hello.version_max || challenge.zero != 0) {
    return error(Errc::unsupported_version, "the peer chose version " + std::to_string(challenge.version));
  }
  if (challenge.cluster != hello.cluster || challenge.node != hello.to) {
    return error(Errc::invalid_argument, "the peer is node " + std::to_string(challenge.node) + " of cluster " +
                                             cluster_text(challenge.cluster));
  }
  return {};
}

Proof prove(Side side, std::string_view key, const HelloBody& hello, const ChallengeBody& challenge) {
  std::string said(side == Side::client ? "firn shard client\0"sv : "firn shard server\0"sv);
  said += text_of(hello);
  said += text_of(challenge);
  const std::string digest = hmac_sha256(key, said);
  Proof proof;
  std::memcpy(proof.data(), digest.data(), proof.size());
  return proof;
}

Result<> check_proof(const Proof& expected, const Proof& found) {
  if (equal_in_constant_time(text_of(expected), text_of(found))) return {};
  return error(Errc::access_denied, "the nodes have different cluster keys");
}

Result<std::shared_ptr<TlsFiles>> load_identity(const ClusterIdentity& own) {
  if (own.key.size() < kClusterKeyBytesMin) {
    return error(Errc::invalid_argument,
                 "the cluster key is shorter than " + std::to_string(kClusterKeyBytesMin) + " bytes");
  }
  if (!own.tls) return std::shared_ptr<TlsFiles>();
  return TlsFiles::load(*own.tls);
}

}  // namespace firn::volume::wire
