#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

namespace firn::simulation {

/// Time that passes only when nothing is left to do. While it is on, in this thread, std::chrono's clocks tell it, and
/// an io_context that would wait for its next timer is moved there at once: the product's own timers need no seam.
///
/// The functions of the C library and of libstdc++ that are in the way (epoll_wait, timerfd_create, timerfd_settime,
/// steady_clock::now, system_clock::now) are defined anew in the test's executable, which the loader prefers. While it
/// is off, clocks tell what they always do, and no timer fires.
class VirtualTime {
 public:
  using Nanoseconds = std::chrono::nanoseconds;

  /// From now on, in this thread.
  VirtualTime();
  ~VirtualTime();
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  /// Since it began.
  static Nanoseconds elapsed();
};

boost::asio::awaitable<void> sleep(std::chrono::nanoseconds duration);

}  // namespace firn::simulation
