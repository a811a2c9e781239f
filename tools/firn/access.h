#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "firn/base/result.h"
#include "firn/config/config.h"
#include "firn/gateway/server.h"
#include "http_client.h"

namespace firn::cli {

/// How to reach a server, as it was given on the command line. What is empty comes from where firnd takes it.
struct AccessFlags {
  std::string endpoint;             ///< --endpoint
  std::string data;                 ///< --data
  std::vector<std::string> drives;  ///< --drives
  std::string config;               ///< --config
  std::string ca_file;              ///< --ca-file
  std::vector<std::string>
      nodes;  ///< --nodes, and --node-id: where a command is about what firnd will be started with.
  std::uint32_t node_id = 0;
};

/// firnd's own settings for these flags, environment and file: which drives, which credential, where it listens.
Result<config::Config> server_config(const AccessFlags& flags, const config::Environment& environment);

/// --endpoint, else FIRN_ENDPOINT, else where a firnd with these settings listens.
Result<Endpoint> find_endpoint(const AccessFlags& flags, const config::Config& server,
                               const config::Environment& environment);

/// The pair that firnd is given by its settings, else the one in the file `root-credentials` of a drive, else
/// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Errc::invalid_argument with a message that says where it was looked
/// for.
Result<gateway::RootCredential> find_credential(const config::Config& server, const config::Environment& environment);

}  // namespace firn::cli
