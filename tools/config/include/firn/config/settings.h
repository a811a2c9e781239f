#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace firn::config {

/// What a setting's text must look like.
enum class Kind : std::uint8_t {
  text,
  words,  ///< Several: repeated arguments, a YAML list, or text separated by spaces (commas for domains).
  number,
  bytes,    ///< 1048576, 512MiB, 4GiB.
  boolean,  ///< A flag without a value; true or false elsewhere.
  seconds,
};

/// Settings in the order of `kSettings`.
enum class Key : std::uint8_t {
  data,
  drives,
  erasure,
  listen,
  root_user,
  root_password,
  region,
  domains,
  tls_cert,
  tls_key,
  access_log,
  log_level,
  metrics_public,
  metrics_token,
  write_memory,
  metadata_cache,
  body_cache,
  connections_max,
  io_threads,
  stop_grace,
  reclaim_grace,
  scrub_period,
  nodes,
  node_id,
  cluster_key,
  metadata_port_offset,
  shard_port_offset,
  peer_tls_ca,
  peer_tls_cert,
  peer_tls_key,
  kCount,
};
inline constexpr std::size_t kKeys = static_cast<std::size_t>(Key::kCount);

/// One setting, wherever it may be given. This table is the parser of the command line, of the environment and of the
/// YAML file, the text of `firnd --help`, and docs/operations/configuration.md.
struct Setting {
  Key key;
  Kind kind;
  std::string_view flag;         ///< After "--"; empty for what must not be seen in a process list.
  std::string_view variable;     ///< FIRN_…
  std::string_view minio;        ///< The MINIO_ variable that means the same; empty if there is none.
  std::string_view yaml;         ///< Key in the file of --config.
  std::string_view placeholder;  ///< What help shows for the value.
  std::string_view fallback;     ///< Used when nobody gives one; empty: unset.
  std::string_view help;
};

inline constexpr std::array<Setting, kKeys> kSettings{{
    {Key::data, Kind::text, "data", "FIRN_DATA", "", "data", "DIR", "./firn-data",
     "Keep everything in DIR/drive1 to DIR/drive6. Not together with drives."},
    {Key::drives, Kind::words, "drives", "FIRN_DRIVES", "MINIO_VOLUMES", "drives", "DIR...", "",
     "Keep everything in these directories, one per drive. {1...4} is expanded. http://HOST:PORT/DIR names the nodes "
     "too."},
    {Key::erasure, Kind::text, "erasure", "FIRN_ERASURE", "", "erasure", "K+M", "",
     "Data and parity shards of every object. 4+2 from six drives on; fewer drives need it. Fixed at the first start."},
    {Key::listen, Kind::text, "listen", "FIRN_LISTEN", "", "listen", "HOST:PORT", "127.0.0.1:9000", "Serve S3 here."},
    {Key::root_user, Kind::text, "", "FIRN_ROOT_USER", "MINIO_ROOT_USER", "root_user", "NAME", "",
     "Access key of the root credential, at least 3 characters. Replaces the stored one at every start."},
    {Key::root_password, Kind::text, "", "FIRN_ROOT_PASSWORD", "MINIO_ROOT_PASSWORD", "root_password", "SECRET", "",
     "Secret key of the root credential, at least 8 characters. Together with the user, or neither."},
    {Key::region, Kind::text, "region", "FIRN_REGION", "MINIO_REGION", "region", "NAME", "us-east-1",
     "The region clients are told. Signatures for any region are accepted."},
    {Key::domains, Kind::words, "domain", "FIRN_DOMAIN", "MINIO_DOMAIN", "domain", "NAME...", "",
     "Also answer for BUCKET.NAME (virtual-host style), with or without a port."},
    {Key::tls_cert, Kind::text, "tls-cert", "FIRN_TLS_CERT", "", "tls_cert", "FILE", "",
     "Serve HTTPS with this PEM certificate chain; read again when it changes."},
    {Key::tls_key, Kind::text, "tls-key", "FIRN_TLS_KEY", "", "tls_key", "FILE", "",
     "The certificate's private key, PEM."},
    {Key::access_log, Kind::text, "access-log", "FIRN_ACCESS_LOG", "", "access_log", "FILE", "",
     "Write one line per request to FILE, or to standard output for -."},
    {Key::log_level, Kind::text, "log-level", "FIRN_LOG_LEVEL", "", "log_level", "LEVEL", "info",
     "trace, debug, info, warn, error or off."},
    {Key::metrics_public, Kind::boolean, "metrics-public", "FIRN_METRICS_PUBLIC", "", "metrics_public", "", "false",
     "Answer /firn/metrics without a token."},
    {Key::metrics_token, Kind::text, "", "FIRN_METRICS_TOKEN", "", "metrics_token", "TOKEN", "",
     "Bearer token that /firn/metrics asks for; without one and without metrics-public nobody gets them."},
    {Key::write_memory, Kind::bytes, "write-memory", "FIRN_WRITE_MEMORY", "", "write_memory", "BYTES", "512MiB",
     "Memory that uploads under way may take together; beyond it they wait, then are told 503 SlowDown."},
    {Key::metadata_cache, Kind::bytes, "metadata-cache", "FIRN_METADATA_CACHE", "", "metadata_cache", "BYTES", "64MiB",
     "Memory for blocks of the metadata store. Filled as it is used."},
    {Key::body_cache, Kind::bytes, "body-cache", "FIRN_BODY_CACHE", "", "body_cache", "BYTES", "256MiB",
     "Memory for bodies of up to 256 KiB that are read repeatedly. Filled as it is used; 0: none."},
    {Key::connections_max, Kind::number, "connections-max", "FIRN_CONNECTIONS_MAX", "", "connections_max", "COUNT",
     "16384", "Client connections open at once; more are refused."},
    {Key::io_threads, Kind::number, "io-threads", "FIRN_IO_THREADS", "", "io_threads", "COUNT", "0",
     "Threads that serve connections and drives; 0: one for each core."},
    {Key::stop_grace, Kind::seconds, "stop-grace", "FIRN_STOP_GRACE", "", "stop_grace", "SECONDS", "10",
     "How long requests under way may go on after SIGTERM."},
    {Key::reclaim_grace, Kind::seconds, "reclaim-grace", "FIRN_RECLAIM_GRACE", "", "reclaim_grace", "SECONDS", "30",
     "How long the bytes of what was deleted or overwritten stay readable for requests under way."},
    {Key::scrub_period, Kind::seconds, "scrub-period", "FIRN_SCRUB_PERIOD", "", "scrub_period", "SECONDS", "2592000",
     "Read and verify all that the drives hold once in this time (30 days), evenly over it; 0: only by firn scrub."},
    {Key::nodes, Kind::words, "nodes", "FIRN_NODES", "", "nodes", "URL...", "",
     "Form a cluster of these nodes, the same list on each: http://firn-{0...3}.firn:9000. The port is S3's."},
    {Key::node_id, Kind::number, "node-id", "FIRN_NODE_ID", "", "node_id", "NUMBER", "",
     "This node's place in the list, from 1. Without it a node finds its own address there."},
    {Key::cluster_key, Kind::text, "", "FIRN_CLUSTER_KEY", "", "cluster_key", "SECRET", "",
     "What the nodes of a cluster prove to each other, at least 16 characters; the same on each."},
    {Key::metadata_port_offset, Kind::number, "metadata-port-offset", "FIRN_METADATA_PORT_OFFSET", "",
     "metadata_port_offset", "COUNT", "100", "Nodes speak of metadata on the port of --nodes plus this."},
    {Key::shard_port_offset, Kind::number, "shard-port-offset", "FIRN_SHARD_PORT_OFFSET", "", "shard_port_offset",
     "COUNT", "200", "Nodes exchange shards on the port of --nodes plus this."},
    {Key::peer_tls_ca, Kind::text, "peer-tls-ca", "FIRN_PEER_TLS_CA", "", "peer_tls_ca", "FILE", "",
     "Nodes speak mutual TLS, and accept what the authority in this PEM file has signed. Needed with tls-cert."},
    {Key::peer_tls_cert, Kind::text, "peer-tls-cert", "FIRN_PEER_TLS_CERT", "", "peer_tls_cert", "FILE", "",
     "The certificate that this node shows to the others; tls-cert's without it. For servers and clients both."},
    {Key::peer_tls_key, Kind::text, "peer-tls-key", "FIRN_PEER_TLS_KEY", "", "peer_tls_key", "FILE", "",
     "The private key of peer-tls-cert."},
}};

namespace detail {
consteval bool keys_in_order() {
  for (std::size_t i = 0; i < kKeys; ++i) {
    if (kSettings[i].key != static_cast<Key>(i)) return false;
  }
  return true;
}
}  // namespace detail
static_assert(detail::keys_in_order(), "kSettings must list the keys in the order of Key");

inline constexpr const Setting& setting(Key key) { return kSettings[static_cast<std::size_t>(key)]; }

/// docs/operations/configuration.md, whole.
std::string settings_markdown();

}  // namespace firn::config
