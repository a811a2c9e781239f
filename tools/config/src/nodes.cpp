#include "nodes.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "firn/config/ellipses.h"

namespace firn::config {
namespace {

/// S3's, as MinIO has it where a URL names none.
constexpr std::uint16_t kDefaultPort = 9000;
constexpr std::uint64_t kPortMax = 65'535;

/// A URL taken apart.
struct Endpoint {
  std::string host;
  std::uint16_t port = kDefaultPort;
  std::string path;
};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

Result<Endpoint> parse_url(std::string_view url) {
  const auto refuse = [&](std::string_view why) {
    return client_error(Errc::invalid_argument, "\"" + std::string(url) + "\" " + std::string(why));
  };
  std::string_view rest = url;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  if (rest.size() == url.size()) return refuse("is not http://HOST:PORT");
  Endpoint endpoint;
  const auto slash = std::min(rest.find('/'), rest.size());
  endpoint.path = rest.substr(slash);
  rest = rest.substr(0, slash);
  const bool bracketed = rest.starts_with('[');
  const auto colon = bracketed ? rest.find("]:") : rest.rfind(':');
  if (colon != std::string_view::npos) {
    const auto port = parse_port(rest.substr(colon + (bracketed ? 2 : 1)));
    if (!port) return refuse("has no port between 1 and 65535");
    endpoint.port = *port;
    rest = rest.substr(0, colon);
  }
  if (bracketed) {
    rest.remove_prefix(1);
    if (rest.ends_with(']')) rest.remove_suffix(1);
  }
  const bool plain = std::none_of(rest.begin(), rest.end(), [](unsigned char c) { return c <= ' ' || c == '@'; });
  if (rest.empty() || !plain) return refuse("has no host name");
  endpoint.host = rest;
  return endpoint;
}

Result<std::vector<Endpoint>> expand(const std::vector<std::string>& words) {
  std::vector<Endpoint> endpoints;
  for (const auto& word : words) {
    if (!names_a_node(word)) return client_error(Errc::invalid_argument, "\"" + word + "\" is not http://HOST:PORT");
    const auto urls = expand_ellipses(word);
    if (!urls) return urls.error();
    for (const auto& url : *urls) {
      auto endpoint = parse_url(url);
      if (!endpoint) return std::move(endpoint).error();
      endpoints.push_back(*std::move(endpoint));
    }
  }
  return endpoints;
}

Config::Node* find(std::vector<Config::Node>& nodes, const Endpoint& endpoint) {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const Config::Node& node) {
    return node.host == endpoint.host && node.port == endpoint.port;
  });
  return found == nodes.end() ? nullptr : &*found;
}

/// --nodes: each URL is a node.
Result<std::vector<Config::Node>> nodes_of_list(const Values& values) {
  const auto endpoints = expand(words_of(values, Key::nodes));
  if (!endpoints) return bad_value(values, Key::nodes, endpoints.error().message);
  std::vector<Config::Node> nodes;
  for (const auto& endpoint : *endpoints) {
    if (!endpoint.path.empty() && endpoint.path != "/") {
      return bad_value(values, Key::nodes, "\"" + endpoint.path + "\": directories are named by drives");
    }
    if (find(nodes, endpoint) != nullptr) {
      return bad_value(values, Key::nodes, endpoint.host + ":" + std::to_string(endpoint.port) + " is named twice");
    }
    nodes.push_back({endpoint.host, endpoint.port, {}});
  }
  return nodes;
}

/// Drives as URLs, MinIO's way: the nodes in the order in which they are first named, each with its directories.
Result<std::vector<Config::Node>> nodes_of_drives(const Values& values) {
  const auto endpoints = expand(words_of(values, Key::drives));
  if (!endpoints) return bad_value(values, Key::drives, endpoints.error().message);
  std::vector<Config::Node> nodes;
  for (const auto& endpoint : *endpoints) {
    auto* node = find(nodes, endpoint);
    if (node == nullptr) node = &nodes.emplace_back(Config::Node{endpoint.host, endpoint.port, {}});
    const auto path = std::filesystem::path(endpoint.path).lexically_normal();
    if (path.empty() || path == "/" || endpoint.path.find('\0') != std::string::npos) {
      return bad_value(values, Key::drives, "a URL without a directory");
    }
    if (std::find(node->drives.begin(), node->drives.end(), path) != node->drives.end()) {
      return bad_value(values, Key::drives, path.string() + " is named twice for " + endpoint.host);
    }
    node->drives.push_back(path);
  }
  return nodes;
}

Result<> take_key(const Values& values, Config& config) {
  config.cluster->key = text_of(values, Key::cluster_key);
  const std::string variable(setting(Key::cluster_key).variable);
  if (config.cluster->key.empty()) {
    return client_error(Errc::invalid_argument, "a cluster needs " + variable + ": the same secret on every node");
  }
  if (config.cluster->key.size() < kClusterKeyCharsMin) {
    return bad_value(values, Key::cluster_key, "needs at least " + std::to_string(kClusterKeyCharsMin) + " characters");
  }
  if (config.root) return {};
  return client_error(Errc::invalid_argument, "a cluster needs " + std::string(setting(Key::root_user).variable) +
                                                  " and " + std::string(setting(Key::root_password).variable) +
                                                  ": the same on every node");
}

Result<> take_offset(const Values& values, Key key, std::uint16_t& offset) {
  const auto number = number_of(values, key);
  if (!number) return number.error();
  if (*number == 0 || *number > kPortMax) return bad_value(values, key, "must be between 1 and 65535");
  offset = static_cast<std::uint16_t>(*number);
  return {};
}

/// Every port of every node is one, and none is taken twice on a host.
Result<> take_ports(const Values& values, Config::Cluster& cluster) {
  if (auto taken = take_offset(values, Key::metadata_port_offset, cluster.metadata_port_offset); !taken) return taken;
  if (auto taken = take_offset(values, Key::shard_port_offset, cluster.shard_port_offset); !taken) return taken;
  std::set<std::pair<std::string, std::uint64_t>> ports;
  for (const auto& node : cluster.nodes) {
    const std::uint64_t port = node.port;
    for (const auto each : {port, port + cluster.metadata_port_offset, port + cluster.shard_port_offset}) {
      if (each > kPortMax) {
        return client_error(Errc::invalid_argument, node.host + ":" + std::to_string(node.port) +
                                                        ": with the offsets its ports end past 65535");
      }
      if (ports.emplace(node.host, each).second) continue;
      return client_error(Errc::invalid_argument, node.host + ": port " + std::to_string(each) +
                                                      " is needed twice; choose other ports or port offsets");
    }
  }
  return {};
}

/// HTTPS towards clients means TLS between nodes: what they say to each other is what clients said.
Result<> take_peer_tls(const Values& values, Config& config) {
  PeerTls tls{.certificate_path = text_of(values, Key::peer_tls_cert),
              .key_path = text_of(values, Key::peer_tls_key),
              .authority_path = text_of(values, Key::peer_tls_ca)};
  if (tls.certificate_path.empty() != tls.key_path.empty()) {
    return client_error(Errc::invalid_argument, "peer-tls-cert and peer-tls-key are needed together");
  }
  const bool own = !tls.certificate_path.empty();
  if (tls.authority_path.empty()) {
    if (own)
      return client_error(Errc::invalid_argument, "peer-tls-cert needs peer-tls-ca: who signs nodes' certificates");
    if (config.tls_certificate_path.empty()) return {};
    return client_error(Errc::invalid_argument,
                        "tls-cert in a cluster needs peer-tls-ca: with HTTPS, nodes speak TLS to each other too");
  }
  if (!own) {
    tls.certificate_path = config.tls_certificate_path;
    tls.key_path = config.tls_key_path;
  }
  if (tls.certificate_path.empty()) {
    return bad_value(values, Key::peer_tls_ca, "needs a certificate: peer-tls-cert and peer-tls-key, or tls-cert's");
  }
  config.cluster->tls = std::move(tls);
  return {};
}

Result<> take_node_id(const Values& values, Config::Cluster& cluster) {
  if (text_of(values, Key::node_id).empty()) return {};
  const auto id = number_of(values, Key::node_id);
  if (!id) return id.error();
  if (*id == 0 || *id > cluster.nodes.size()) {
    return bad_value(values, Key::node_id, "must be between 1 and " + std::to_string(cluster.nodes.size()));
  }
  cluster.own = static_cast<std::uint32_t>(*id);
  return {};
}

bool wildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

/// The only node for which `fits`; 0 for none, an error for several.
template <class Fits>
Result<std::uint32_t> only(const Config::Cluster& cluster, Fits fits) {
  std::uint32_t own = 0;
  for (std::uint32_t i = 0; i < cluster.nodes.size(); ++i) {
    const Result<bool> mine = fits(cluster.nodes[i]);
    if (!mine) return mine.error();
    if (!*mine) continue;
    if (own != 0) {
      return client_error(Errc::invalid_argument, "both node " + std::to_string(own) + " and node " +
                                                      std::to_string(i + 1) +
                                                      " of the list are here: say which by --node-id or --listen");
    }
    own = i + 1;
  }
  return own;
}

Result<std::uint32_t> find_own(const Config& config, const LocalMachine& machine) {
  const auto& cluster = *config.cluster;
  const auto port_fits = [&](const Config::Node& node) {
    return !cluster.listen_given || node.port == config.listen_port;
  };
  if (cluster.listen_given && !wildcard(config.listen_host)) {
    auto own = only(cluster, [&](const Config::Node& node) -> Result<bool> {
      return node.host == config.listen_host && node.port == config.listen_port;
    });
    if (!own || *own != 0) return own;
  }
  // A pod is named as the first label of its address.
  const auto named = only(cluster, [&](const Config::Node& node) -> Result<bool> {
    return port_fits(node) && (node.host == machine.name || node.host.starts_with(machine.name + "."));
  });
  if (!machine.name.empty() && (!named || *named != 0)) return named;
  return only(cluster, [&](const Config::Node& node) -> Result<bool> {
    if (!port_fits(node)) return false;
    return machine.is_here(node.host);
  });
}

}  // namespace

bool names_a_node(std::string_view word) { return word.find("://") != std::string_view::npos; }

Result<> take_cluster(const Values& values, Config& config) {
  const bool listed = !words_of(values, Key::nodes).empty();
  const auto words = words_of(values, Key::drives);
  // No directory was taken from them: `data` did not prevail, and they are URLs.
  const bool urls = config.drives.empty() && std::any_of(words.begin(), words.end(), names_a_node);
  if (listed && urls) return bad_value(values, Key::drives, "names nodes, and so does nodes: give them once");
  if (!listed && !urls) return {};
  auto nodes = listed ? nodes_of_list(values) : nodes_of_drives(values);
  if (!nodes) return std::move(nodes).error();
  const Key key = listed ? Key::nodes : Key::drives;
  if (nodes->size() < 2) return bad_value(values, key, "one node is no cluster: name directories alone");
  config.cluster = Config::Cluster{};  // Clang 16 can't emplace a nested class with defaults.
  config.cluster->nodes = *std::move(nodes);
  config.cluster->listen_given = values[static_cast<std::size_t>(Key::listen)].has_value();
  if (auto taken = take_key(values, config); !taken) return taken;
  if (auto taken = take_ports(values, *config.cluster); !taken) return taken;
  if (auto taken = take_peer_tls(values, config); !taken) return taken;
  const auto& urls_given = words_of(values, key);
  const bool https = std::any_of(urls_given.begin(), urls_given.end(),
                                 [](const std::string& url) { return url.starts_with("https://"); });
  if (https && config.tls_certificate_path.empty()) return bad_value(values, key, "says https: tls-cert is needed");
  return take_node_id(values, *config.cluster);
}

Result<> settle_own_node(Config& config, const LocalMachine& machine) {
  auto& cluster = *config.cluster;
  if (cluster.own == 0) {
    const auto own = find_own(config, machine);
    if (!own) return own.error();
    if (*own == 0) {
      return client_error(Errc::invalid_argument, "no node of the list is this machine: say which by --node-id");
    }
    cluster.own = *own;
  }
  const auto& node = cluster.nodes[cluster.own - 1];
  if (!node.drives.empty()) config.drives = node.drives;
  if (!cluster.listen_given) {
    config.listen_host = "0.0.0.0";
    config.listen_port = node.port;
  }
  return {};
}

}  // namespace firn::config
