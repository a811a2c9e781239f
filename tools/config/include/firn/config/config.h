#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "firn/base/cluster_identity.h"
#include "firn/base/log.h"
#include "firn/base/result.h"
#include "firn/erasure/codec.h"

namespace firn::config {

/// What `firnd` was told, checked: what it will do is decided by this alone.
struct Config {
  std::vector<std::filesystem::path> drives;  ///< Absolute, in the order given: the first start numbers them so.
  std::optional<erasure::Shape> erasure;  ///< As asked for; unset: the stored one, or the default at the first start.
  std::string listen_host;
  std::uint16_t listen_port = 0;
  struct Credential {
    std::string user, password;
  };
  std::optional<Credential> root;
  std::string region;
  std::vector<std::string> domains;
  std::string tls_certificate_path, tls_key_path;
  std::string access_log_path;
  log::Level log_level = log::Level::info;
  bool metrics_public = false;
  std::string metrics_token;
  std::uint64_t write_memory_bytes = 0;
  std::uint64_t metadata_cache_bytes = 0;
  std::uint64_t body_cache_bytes = 0;
  std::size_t connections_max = 0;
  std::size_t io_threads = 0;  ///< 0: one for each core.
  std::chrono::seconds stop_grace{0};
  std::chrono::seconds reclaim_grace{0};
  std::chrono::seconds scrub_period{0};  ///< 0: only when asked.

  /// One of the list that every node is given.
  struct Node {
    std::string host;
    std::uint16_t port = 0;                     ///< S3's; the others lie at offsets from it.
    std::vector<std::filesystem::path> drives;  ///< Only where the list names them: else as `Config::drives`.
    friend bool operator==(const Node&, const Node&) = default;
  };
  struct Cluster {
    std::vector<Node> nodes;  ///< NodeId 1 is the first.
    std::uint32_t own = 0;    ///< This node's id; 0 until `settle_own_node` has found it.
    std::string key;
    std::uint16_t metadata_port_offset = 0, shard_port_offset = 0;
    std::optional<PeerTls> tls;  ///< Between the nodes; unset: plain.
    bool listen_given = false;   ///< Otherwise `listen_*` follow from the own entry.
  };
  std::optional<Cluster> cluster;  ///< Unset: one machine by itself.
};

/// Shortest root user and password, and longest: MinIO's own bounds but for the upper ones, so that a move needs no
/// new credentials.
inline constexpr std::size_t kRootUserCharsMin = 3;
inline constexpr std::size_t kRootPasswordCharsMin = 8;
inline constexpr std::size_t kRootCharsMax = 128;

/// Errc::invalid_argument, with what is wrong: too short, too long, unprintable, or a default everybody knows.
Result<> check_root_credential(const Config::Credential& root);

/// Shortest cluster key: 128 bits, if it is random.
inline constexpr std::size_t kClusterKeyCharsMin = 16;

/// What a node can be known by.
struct LocalMachine {
  std::string name;  ///< The machine's own.
  /// Whether a host name leads to this machine. An Error when it can't be known now: names may come up late.
  std::function<Result<bool>(const std::string& host)> is_here;
};
/// Finds this node in the list (by --node-id, the address it listens on, the machine's name, or where the names lead)
/// and fills in what follows: `own`, `drives`, `listen_*`. Errc::invalid_argument when nothing or too much fits;
/// Errc::request_timeout while names can't be resolved.
Result<> settle_own_node(Config& config, const LocalMachine& machine);

/// "4+2".
Result<erasure::Shape> parse_shape(std::string_view text);
std::string to_string(erasure::Shape shape);

/// The environment, a seam: null when a variable is not set.
using Environment = std::function<const char*(const char*)>;

/// Text for standard output instead of a start: --help and --version.
struct Printed {
  std::string text;
};

/// Flag over FIRN_ variable over MINIO_ variable over the file of --config over the default.
/// Errc::invalid_argument with a message for people.
Result<std::variant<Config, Printed>> load(int argc, const char* const* argv, const Environment& environment);

}  // namespace firn::config
