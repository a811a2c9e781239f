#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "firn/base/result.h"
#include "firn/config/config.h"

namespace firn::server {

/// The whole of firnd in one object: runtime, drives, metadata, volumes, store and gateway.
///
/// Threads: `start`, `stop` and the destructor from the main thread.
/// Durability: what was answered is on the drives at every moment; `stop` only makes the next start quicker.
class Server {
 public:
  /// Returns when requests are answered, which in a cluster may wait for other nodes; Errc::cancelled when `stopping`
  /// begins to hold before that. A failure has undone all it began; its message is for people.
  static Result<std::unique_ptr<Server>> start(config::Config config, std::function<bool()> stopping);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  /// Stops accepting, lets requests under way finish within the configured grace, flushes and closes the drives.
  virtual void stop() = 0;
};

}  // namespace firn::server
