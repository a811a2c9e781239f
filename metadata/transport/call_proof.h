#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "firn/base/cluster_identity.h"
#include "firn/base/result.h"

// How a call proves who makes it: docs/formats/metadata-protocol.md. Decisions only, no gRPC.
namespace firn::metadata::transport {

inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::uint16_t kProtocolVersionMin = 1;

using Nonce = std::array<std::uint8_t, 32>;
using Mac = std::array<std::uint8_t, 32>;

/// Travels with each call, as the metadata entry `firn-call-bin`.
struct CallHeader {
  std::uint16_t version;
  std::uint16_t version_min;  ///< The lowest the caller speaks.
  std::uint32_t from;
  std::uint32_t to;
  std::uint32_t zero;
  std::array<std::uint8_t, 16> cluster;
  std::array<std::uint8_t, 16> caller;  ///< Random, of the calling process.
  std::uint64_t sequence;               ///< Of the caller's calls: none comes twice.
  Nonce server;                         ///< Random, of the serving process: asked for by calling without.
  Mac mac;
};
static_assert(sizeof(CallHeader) == 120 && std::has_unique_object_representations_v<CallHeader>);

Nonce fresh_nonce();

/// What a call is about, as its proof covers it.
struct CallSubject {
  std::string_view method;   ///< "Hello", "Messages", "Snapshot"
  std::string_view content;  ///< The request, where there is one.
};

/// Proves the calls of one process.
///
/// Threads: any.
class CallSigner {
 public:
  CallSigner(std::string key, NodeId own);
  CallHeader sign(NodeId to, const Uuid& cluster, const Nonce& server, const CallSubject& subject);

 private:
  const std::string key_;
  const NodeId own_;
  std::array<std::uint8_t, 16> caller_;
  std::mutex mutex_;
  std::uint64_t sequence_ = 0;
};

/// Which of a caller's sequence numbers have come: each is taken once, and none that is far behind the highest.
class SequenceWindow {
 public:
  bool take(std::uint64_t sequence);

 private:
  static constexpr std::uint64_t kWidth = 64;
  std::uint64_t highest_ = 0;
  std::uint64_t seen_ = 0;  ///< Bit i: highest_ - i.
};

/// Judges the calls that come to one process.
///
/// Threads: any. Memory: 64 bytes for each calling process, the 1,024 latest.
class CallJudge {
 public:
  CallJudge(std::string key, NodeId own);

  const Nonce& nonce() const { return nonce_; }
  /// Errc::request_expired: another nonce, to be made again under `nonce()`. access_denied: another key, or the call
  /// came before. unsupported_version, invalid_argument (another node): as it says.
  Result<> check(const CallHeader& header, const CallSubject& subject);

 private:
  static constexpr std::size_t kCallersMax = 1024;
  using Caller = std::array<std::uint8_t, 16>;
  struct Known {
    Caller caller;
    SequenceWindow window;
  };
  bool is_new(const Caller& caller, std::uint64_t sequence);

  const std::string key_;
  const NodeId own_;
  const Nonce nonce_;
  std::mutex mutex_;
  std::list<Known> callers_;  ///< The latest first.
};

/// The serving side's proof: that it has the key too, and answered this very call with `answer`.
std::string answer_proof(std::string_view key, const CallHeader& call, std::string_view answer);

std::optional<CallHeader> parse_call(std::string_view bytes);
std::string_view bytes_of(const CallHeader& header);

}  // namespace firn::metadata::transport
