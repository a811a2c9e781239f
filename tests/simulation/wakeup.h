#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <list>

namespace firn::simulation {

/// Wakes whoever waits, in the order they came.
class Signal {
 public:
  void notify() {
    for (auto* timer : waiting_) timer->cancel();
  }
  boost::asio::awaitable<void> wait_for(std::chrono::nanoseconds at_most) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, at_most);
    const auto place = waiting_.insert(waiting_.end(), &timer);
    boost::system::error_code woken;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    waiting_.erase(place);
  }

 private:
  std::list<boost::asio::steady_timer*> waiting_;
};

}  // namespace firn::simulation
