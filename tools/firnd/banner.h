#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "firn/config/config.h"
#include "firn/erasure/codec.h"

namespace firn::server {

/// What a start has to say to whoever watches it.
struct Started {
  bool first_start = false;
  erasure::Shape shape;
  std::size_t drives = 0, drives_in = 0;
  std::string access_key;
  std::string root_file;  ///< Where the secret was written; empty if it was shown, given, or is known already.
  std::uint16_t port = 0;
};

/// Printed once to standard output when requests are answered; the last line is one to paste.
std::string banner(const config::Config& config, const Started& started);

/// A new secret on a terminal: the only time it is shown.
std::string root_announcement(const config::Config::Credential& pair);

}  // namespace firn::server
