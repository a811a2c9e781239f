#include "server/pace.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace firn::volume {
namespace {

/// Shorter sleeps cost more in wake-ups than they even out.
constexpr std::chrono::milliseconds kSleepMin{5};
/// A stopping drive waits no longer than this for a sleeper.
constexpr std::chrono::milliseconds kSleepMax{50};

}  // namespace

boost::asio::awaitable<void> Pace::spent(std::uint64_t bytes) {
  if (bytes_per_second_ == 0) co_return;
  const auto begun = std::chrono::steady_clock::now();
  const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
  due_ = std::max(due_, begun) +
         std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (auto now = begun; due_ - now >= kSleepMin && !stopping_; now = std::chrono::steady_clock::now()) {
    timer.expires_at(std::min(due_, now + kSleepMax));
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
}

}  // namespace firn::volume
