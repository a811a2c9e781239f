#include "access.h"

#include <string_view>
#include <utility>
#include <variant>

#include "firn/server/access.h"

namespace firn::cli {
namespace {

std::string value_of(const config::Environment& environment, std::string_view name) {
  const char* value = environment(std::string(name).c_str());
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Result<config::Config> server_config(const AccessFlags& flags, const config::Environment& environment) {
  std::vector<std::string> words{"firnd"};
  const auto add = [&words](const char* flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  add("--data", flags.data);
  add("--config", flags.config);
  if (!flags.drives.empty()) {
    words.emplace_back("--drives");
    words.insert(words.end(), flags.drives.begin(), flags.drives.end());
  }
  if (!flags.nodes.empty()) {
    words.emplace_back("--nodes");
    words.insert(words.end(), flags.nodes.begin(), flags.nodes.end());
  }
  if (flags.node_id != 0) add("--node-id", std::to_string(flags.node_id));
  std::vector<const char*> arguments;
  for (const auto& word : words) arguments.push_back(word.c_str());
  auto loaded = config::load(static_cast<int>(arguments.size()), arguments.data(), environment);
  if (!loaded) return std::move(loaded).error();
  return std::get<config::Config>(*std::move(loaded));
}

Result<Endpoint> find_endpoint(const AccessFlags& flags, const config::Config& server,
                               const config::Environment& environment) {
  std::string url = flags.endpoint;
  if (url.empty()) url = value_of(environment, "FIRN_ENDPOINT");
  if (url.empty()) url = server::endpoint(server, server.listen_port);
  return parse_endpoint(url);
}

Result<gateway::RootCredential> find_credential(const config::Config& server, const config::Environment& environment) {
  if (server.root) return gateway::RootCredential{server.root->user, server.root->password};
  for (const auto& drive : server.drives) {
    if (auto pair = server::read_root_file(server::root_file(drive))) {
      return gateway::RootCredential{std::move(pair->user), std::move(pair->password)};
    }
  }
  gateway::RootCredential pair{value_of(environment, "AWS_ACCESS_KEY_ID"),
                               value_of(environment, "AWS_SECRET_ACCESS_KEY")};
  if (!pair.access_key.empty() && !pair.secret_key.empty()) return pair;
  return client_error(Errc::invalid_argument,
                      "no credential: set FIRN_ROOT_USER and FIRN_ROOT_PASSWORD, or name the server's drives with "
                      "--data or --drives (" +
                          server::root_file(server.drives.front()).string() + " can't be read)");
}

}  // namespace firn::cli
