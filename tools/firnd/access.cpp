#include "firn/server/access.h"

#include <fmt/format.h>

#include <fstream>
#include <string_view>

namespace firn::server {
namespace {

constexpr std::string_view kAccessKey = "AWS_ACCESS_KEY_ID";
constexpr std::string_view kSecretKey = "AWS_SECRET_ACCESS_KEY";

}  // namespace

std::string endpoint(const config::Config& config, std::uint16_t port) {
  std::string host = config.listen_host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return fmt::format("{}://{}:{}", config.tls_certificate_path.empty() ? "http" : "https", host, port);
}

std::filesystem::path root_file(const std::filesystem::path& drive) { return drive / "root-credentials"; }

std::string root_file_text(const config::Config::Credential& pair) {
  return fmt::format("{}={}\n{}={}\n", kAccessKey, pair.user, kSecretKey, pair.password);
}

std::optional<config::Config::Credential> read_root_file(const std::filesystem::path& path) {
  config::Config::Credential pair;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto name = std::string_view(line).substr(0, equals);
    if (name == kAccessKey) pair.user = line.substr(equals + 1);
    if (name == kSecretKey) pair.password = line.substr(equals + 1);
  }
  if (pair.user.empty() || pair.password.empty()) return std::nullopt;
  return pair;
}

}  // namespace firn::server
