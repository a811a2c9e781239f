#include "maintenance/background.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

namespace firn::objects {

namespace asio = boost::asio;

BackgroundLoop::BackgroundLoop(asio::io_context& context, Step step)
    : context_(context), step_(std::move(step)), gate_(context.get_executor()), timer_(context) {}

void BackgroundLoop::start() {
  if (!gate_.enter()) return;
  asio::co_spawn(context_, run(Gate::Pass(gate_)), asio::detached);  // The gate is what `stop` waits on.
}

asio::awaitable<void> BackgroundLoop::stop() {
  stopping_ = true;
  timer_.cancel();
  co_await gate_.close();
}

void BackgroundLoop::poke() {
  asio::post(context_, [this] {
    poked_ = true;
    timer_.cancel();
  });
}

asio::awaitable<void> BackgroundLoop::pause(std::chrono::milliseconds duration) {
  if (stopping_) co_return;
  boost::system::error_code ignored;
  timer_.expires_after(duration);
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> BackgroundLoop::run([[maybe_unused]] Gate::Pass pass) {
  auto sleep = kPauseMin;
  while (!stopping_) {
    const Outcome outcome = co_await step_();
    if (stopping_) break;
    sleep = outcome == Outcome::progressed ? kPauseMin : std::min(sleep * 2, kPauseMax);
    if (!std::exchange(poked_, false)) co_await pause(sleep);
    poked_ = false;
  }
}

}  // namespace firn::objects
