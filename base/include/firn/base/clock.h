#pragma once

#include <chrono>
#include <cstdint>

namespace firn {

/// Milliseconds since 1970, UTC: what S3 calls Last-Modified, and every stamp we store.
using UnixMs = std::int64_t;

/// The only door to time. Real: `system_clock_source()`. Tests set their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMs now_unix_ms() const = 0;
  virtual std::chrono::steady_clock::time_point steady_now() const = 0;
};
Clock& system_clock_source();

}  // namespace firn
