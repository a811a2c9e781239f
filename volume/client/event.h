#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "firn/base/assert.h"

namespace firn::volume {

/// Wakes the one coroutine that waits for it. A signal nobody waits for is kept, so none is lost; several count as one.
///
/// Threads: all calls on one io thread. The waiter is resumed through its executor, never on top of the caller.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void signal() {
    if (!waiter_) {
      signalled_ = true;
      return;
    }
    Waiter waiter = std::move(*waiter_);
    waiter_.reset();
    boost::asio::post(std::move(waiter));
  }

  boost::asio::awaitable<void> wait() {
    if (!signalled_) {
      FIRN_ASSERT(!waiter_);
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
          [this](Waiter waiter) { waiter_.emplace(std::move(waiter)); }, boost::asio::use_awaitable);
    }
    signalled_ = false;
  }

 private:
  using Waiter = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;
  std::optional<Waiter> waiter_;
  bool signalled_ = false;
};

}  // namespace firn::volume
