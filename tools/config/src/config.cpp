#include "firn/config/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include "firn/config/ellipses.h"
#include "firn/config/settings.h"
#include "nodes.h"
#include "values.h"

namespace firn::config {
namespace {

namespace fs = std::filesystem;

/// Directories that --data stands for: enough for the default 4+2.
constexpr unsigned kDataDrives = 6;
/// Past this a machine has a typing error, not threads.
constexpr std::uint64_t kIoThreadsMax = 1024;
/// A day: nobody waits longer for a stop.
constexpr std::uint64_t kStopGraceMax = 86'400;
/// A day: space must come back.
constexpr std::uint64_t kReclaimGraceMax = 86'400;
/// Ten years: what is rotten for longer is not found in time anyway.
constexpr std::uint64_t kScrubPeriodMax = 315'360'000;
/// A stripe of the largest shape must fit, or no upload could ever begin.
constexpr std::uint64_t kWriteMemoryMin = 32ULL << 20;

/// Pairs that shipped as somebody's default: scanners try them first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kKnownDefaults{{
    {"minioadmin", "minioadmin"},
    {"minio", "minio123"},
    {"rustfsadmin", "rustfsadmin"},
    {"admin", "password"},
    {"root", "password"},
    {"seaweedfs", "seaweedfs"},
}};

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

const std::optional<Value>& given(const Values& values, Key key) { return values[static_cast<std::size_t>(key)]; }

/// A file may hold any text, the file system takes none that is empty or has a NUL in it.
bool names_a_path(std::string_view text) { return !text.empty() && text.find('\0') == std::string_view::npos; }

Result<std::vector<fs::path>> expand_drives(const Values& values) {
  std::vector<fs::path> drives;
  std::set<fs::path> seen;
  for (const auto& word : words_of(values, Key::drives)) {
    if (names_a_node(word)) continue;  // take_cluster gathers these.
    const auto expanded = expand_ellipses(word);
    if (!expanded) return bad_value(values, Key::drives, expanded.error().message);
    for (const auto& text : *expanded) {
      if (!names_a_path(text)) return bad_value(values, Key::drives, "\"" + text + "\" is no directory's name");
      const fs::path path = fs::absolute(text).lexically_normal();
      if (!seen.insert(path).second) return bad_value(values, Key::drives, path.string() + " is named twice");
      drives.push_back(path);
    }
  }
  const auto& words = words_of(values, Key::drives);
  const bool urls = std::any_of(words.begin(), words.end(), [](const auto& word) { return names_a_node(word); });
  if (urls && !drives.empty()) return bad_value(values, Key::drives, "names directories both with and without a node");
  if (drives.empty() && !urls) return bad_value(values, Key::drives, "names no directory");
  return drives;
}

/// `data` or `drives`, whichever has the stronger source; both from one source contradict each other.
Result<std::vector<fs::path>> choose_drives(const Values& values) {
  const auto& data = given(values, Key::data);
  const auto& drives = given(values, Key::drives);
  if (data && drives && data->source == drives->source) {
    return client_error(Errc::invalid_argument, name_of(values, Key::data) + " and " + name_of(values, Key::drives) +
                                                    " exclude each other: give one of them");
  }
  if (drives && (!data || drives->source > data->source)) return expand_drives(values);
  const std::string text = text_of(values, Key::data);
  if (!names_a_path(text)) return bad_value(values, Key::data, "\"" + text + "\" is no directory's name");
  const fs::path root = fs::absolute(text).lexically_normal();
  std::vector<fs::path> paths;
  for (unsigned i = 1; i <= kDataDrives; ++i) paths.push_back(root / ("drive" + std::to_string(i)));
  return paths;
}

Result<> take_listen(const Values& values, Config& config) {
  const auto text = text_of(values, Key::listen);
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  if (colon == std::string::npos || colon + 1 == text.size()) {
    return bad_value(values, Key::listen, "\"" + text + "\" is not HOST:PORT");
  }
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    return bad_value(values, Key::listen, "\"" + text + "\" has no port between 0 and 65535");
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  config.listen_host = host.empty() || host == "*" ? "0.0.0.0" : host;
  config.listen_port = port;
  return {};
}

Result<> take_root(const Values& values, Config& config) {
  Config::Credential root{text_of(values, Key::root_user), text_of(values, Key::root_password)};
  if (root.user.empty() && root.password.empty()) return {};
  if (root.user.empty() || root.password.empty()) {
    const Key have = root.user.empty() ? Key::root_password : Key::root_user;
    const Key miss = root.user.empty() ? Key::root_user : Key::root_password;
    return bad_value(values, have, "is given without " + std::string(setting(miss).variable));
  }
  if (auto checked = check_root_credential(root); !checked) {
    return bad_value(values, Key::root_password, checked.error().message);
  }
  config.root = std::move(root);
  return {};
}

Result<> take_tls(const Values& values, Config& config) {
  config.tls_certificate_path = text_of(values, Key::tls_cert);
  config.tls_key_path = text_of(values, Key::tls_key);
  if (config.tls_certificate_path.empty() != config.tls_key_path.empty()) {
    return client_error(Errc::invalid_argument, "tls-cert and tls-key are needed together");
  }
  return {};
}

Result<> take_names(const Values& values, Config& config) {
  config.region = text_of(values, Key::region);
  if (config.region.empty() || !printable(config.region)) return bad_value(values, Key::region, "is no region name");
  config.domains = words_of(values, Key::domains);
  config.access_log_path = text_of(values, Key::access_log);
  config.metrics_token = text_of(values, Key::metrics_token);
  const auto level = text_of(values, Key::log_level);
  if (!log::parse(level, config.log_level)) return bad_value(values, Key::log_level, "there is no level " + level);
  if (const auto text = text_of(values, Key::erasure); !text.empty()) {
    const auto shape = parse_shape(text);
    if (!shape) return bad_value(values, Key::erasure, shape.error().message);
    config.erasure = *shape;
  }
  const auto open = boolean_of(values, Key::metrics_public);
  if (!open) return open.error();
  config.metrics_public = *open;
  return {};
}

/// A number within bounds, or an error that names them.
Result<std::uint64_t> bounded(const Values& values, Key key, std::uint64_t least, std::uint64_t most) {
  const auto number = setting(key).kind == Kind::bytes ? bytes_of(values, key) : number_of(values, key);
  if (number && (*number < least || *number > most)) {
    return bad_value(values, key, "must be between " + std::to_string(least) + " and " + std::to_string(most));
  }
  return number;
}

Result<> take_sizes(const Values& values, Config& config) {
  const auto write_memory = bounded(values, Key::write_memory, kWriteMemoryMin, UINT64_MAX);
  if (!write_memory) return write_memory.error();
  const auto cache = bounded(values, Key::metadata_cache, 1 << 20, UINT64_MAX);
  if (!cache) return cache.error();
  const auto body_cache = bounded(values, Key::body_cache, 0, UINT64_MAX);
  if (!body_cache) return body_cache.error();
  const auto connections = bounded(values, Key::connections_max, 1, 1'000'000);
  if (!connections) return connections.error();
  const auto threads = bounded(values, Key::io_threads, 0, kIoThreadsMax);
  if (!threads) return threads.error();
  const auto grace = bounded(values, Key::stop_grace, 0, kStopGraceMax);
  if (!grace) return grace.error();
  const auto reclaim_grace = bounded(values, Key::reclaim_grace, 1, kReclaimGraceMax);
  if (!reclaim_grace) return reclaim_grace.error();
  const auto scrub_period = bounded(values, Key::scrub_period, 0, kScrubPeriodMax);
  if (!scrub_period) return scrub_period.error();
  config.write_memory_bytes = *write_memory;
  config.metadata_cache_bytes = *cache;
  config.body_cache_bytes = *body_cache;
  config.connections_max = *connections;
  config.io_threads = *threads;
  config.stop_grace = std::chrono::seconds(*grace);
  config.reclaim_grace = std::chrono::seconds(*reclaim_grace);
  config.scrub_period = std::chrono::seconds(*scrub_period);
  return {};
}

/// `over` where it says something, else `under`.
void lay_over(Values& under, Values over) {
  for (std::size_t i = 0; i < kKeys; ++i) {
    if (over[i]) under[i] = std::move(over[i]);
  }
}

}  // namespace

Result<> check_root_credential(const Config::Credential& root) {
  const auto refuse = [](const std::string& why) { return Result<>(client_error(Errc::invalid_argument, why)); };
  if (root.user.size() < kRootUserCharsMin) {
    return refuse("the root user needs at least " + std::to_string(kRootUserCharsMin) + " characters");
  }
  if (root.password.size() < kRootPasswordCharsMin) {
    return refuse("the root password needs at least " + std::to_string(kRootPasswordCharsMin) + " characters");
  }
  if (root.user.size() > kRootCharsMax || root.password.size() > kRootCharsMax) {
    return refuse("root user and password have at most " + std::to_string(kRootCharsMax) + " characters");
  }
  // A slash in an access key breaks the credential scope of every signature; '=' and ',' break its header.
  if (!printable(root.user) || !printable(root.password) || root.user.find_first_of("/=,") != std::string::npos) {
    return refuse("root user and password are printable ASCII without spaces, the user without / = ,");
  }
  for (const auto& [user, password] : kKnownDefaults) {
    if (root.user == user && root.password == password) return refuse("this pair is a default that everybody knows");
  }
  return {};
}

Result<erasure::Shape> parse_shape(std::string_view text) {
  const auto plus = text.find('+');
  erasure::Shape shape;
  const auto read = [](std::string_view digits, std::uint8_t& value) {
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return !digits.empty() && failure == std::errc{} && end == digits.data() + digits.size();
  };
  if (plus == std::string_view::npos || !read(text.substr(0, plus), shape.data) ||
      !read(text.substr(plus + 1), shape.parity) || !erasure::valid(shape) || shape.parity == 0) {
    return client_error(Errc::invalid_argument, "\"" + std::string(text) + "\" is not K+M with 1 to " +
                                                    std::to_string(erasure::kDataShardsMax) + " data and 1 to " +
                                                    std::to_string(erasure::kParityShardsMax) + " parity shards");
  }
  return shape;
}

std::string to_string(erasure::Shape shape) { return std::to_string(shape.data) + "+" + std::to_string(shape.parity); }

Result<Config> understand(const Values& values) {
  Config config;
  auto drives = choose_drives(values);
  if (!drives) return std::move(drives).error();
  config.drives = *std::move(drives);
  for (const auto take : {take_listen, take_root, take_tls, take_names, take_sizes, take_cluster}) {
    if (auto taken = take(values, config); !taken) return std::move(taken).error();
  }
  return config;
}

Result<std::variant<Config, Printed>> load(int argc, const char* const* argv, const Environment& environment) {
  auto line = read_command_line(argc, argv);
  if (!line) return std::move(line).error();
  if (line->printed) return std::variant<Config, Printed>(Printed{*std::move(line->printed)});
  Values values;
  if (!line->config_path.empty()) {
    auto file = read_yaml(line->config_path);
    if (!file) return std::move(file).error();
    values = *std::move(file);
  }
  lay_over(values, read_environment(environment));
  lay_over(values, std::move(line->values));
  auto config = understand(values);
  if (!config) return std::move(config).error();
  return std::variant<Config, Printed>(*std::move(config));
}

}  // namespace firn::config
