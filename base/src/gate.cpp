#include "firn/base/gate.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace firn {

namespace asio = boost::asio;

Gate::Gate(const asio::any_io_executor& executor) : idle_(executor, asio::steady_timer::time_point::max()) {}

bool Gate::enter() {
  if (closed_) return false;
  ++inside_;
  return true;
}

void Gate::leave() {
  FIRN_ASSERT(inside_ > 0);
  if (--inside_ == 0 && closed_) idle_.cancel();
}

asio::awaitable<void> Gate::close() {
  closed_ = true;
  while (inside_ > 0) {
    // Bound to no cancellation slot: a cancelled owner must wait all the same, those inside use its memory.
    co_await idle_.async_wait(
        asio::bind_cancellation_slot(asio::cancellation_slot(), asio::as_tuple(asio::use_awaitable)));
  }
}

}  // namespace firn
