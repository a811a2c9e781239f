#pragma once

#include <filesystem>
#include <optional>

#include "firn/base/result.h"
#include "firn/config/config.h"
#include "firn/metadata/client.h"

namespace firn::server {

/// The pair this start serves with.
struct RootPair {
  config::Config::Credential pair;
  bool minted = false;  ///< New: nobody knows it yet.
};

/// The given pair, else the stored one, else a new one. What is returned is stored; another that was stored is dead.
/// A new one is handed to `announce` before it is stored, and not stored if that fails: nobody could ever learn it.
Task<RootPair> settle_root(metadata::Client& metadata, std::optional<config::Config::Credential> given,
                           std::function<Result<>(const config::Config::Credential&)> announce);

/// How the pair is stored in the metadata configuration, under `kRootEntry` (docs/formats/configuration-entries.md).
inline constexpr std::string_view kRootEntry = "root-credential";
std::string encode_root(const config::Config::Credential& pair);
Result<config::Config::Credential> decode_root(std::string_view value);

/// Writes what `read_root_file` reads (firn/server/access.h).
Result<> write_root_file(const std::filesystem::path& path, const config::Config::Credential& pair);

}  // namespace firn::server
