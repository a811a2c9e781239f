#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>

#include "firn/base/log.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"

namespace firn::server {

/// Does `step` of a start again for as long as no node leads the metadata, or nobody knows what became of it: that is a
/// matter of time, and no reason to end. `step` may take effect more than once. On io thread 0.
template <class T>
Task<T> until_led(Runtime& runtime, std::function<Task<T>()> step, std::function<bool()> give_up) {
  constexpr std::chrono::milliseconds kPause{200};
  for (;;) {
    auto done = co_await step();
    if (done || (done.error().code != Errc::durability_unavailable && done.error().code != Errc::ambiguous) ||
        give_up()) {
      co_return done;
    }
    log::info("waiting: {}", done.error().detail);
    boost::asio::steady_timer timer(runtime.io(0), kPause);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

}  // namespace firn::server
