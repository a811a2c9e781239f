#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>

namespace firn::volume {

/// Holds background work to a rate: it sleeps when it is ahead.
///
/// Threads: one coroutine. Its timers exist only while it sleeps.
class Pace {
 public:
  /// 0: unbounded. Once `stopping` is set nothing sleeps any more; it must outlive the pace.
  Pace(std::uint64_t bytes_per_second, const std::atomic<bool>& stopping)
      : bytes_per_second_(bytes_per_second), stopping_(stopping) {}
  /// After `bytes` of work.
  boost::asio::awaitable<void> spent(std::uint64_t bytes);

 private:
  const std::uint64_t bytes_per_second_;
  const std::atomic<bool>& stopping_;
  std::chrono::steady_clock::time_point due_{};  ///< When what was spent so far is paid for.
};

}  // namespace firn::volume
