#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "firn/config/config.h"

// How a client on this machine finds its way to a firnd with the same settings.

namespace firn::server {

/// "http://127.0.0.1:9000": an address a client on this machine can use.
std::string endpoint(const config::Config& config, std::uint16_t port);

/// The file a new root credential is written to when nobody watches a terminal: on the first drive, mode 0600.
std::filesystem::path root_file(const std::filesystem::path& drive);
/// NAME=VALUE lines with the names that AWS's tools read.
std::string root_file_text(const config::Config::Credential& pair);
/// Nothing when there is no such file, or no pair in it.
std::optional<config::Config::Credential> read_root_file(const std::filesystem::path& path);

}  // namespace firn::server
