#include "maintenance/background.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

namespace firn::objects {

namespace asio = boost::asio;

BackgroundLoop::BackgroundLoop(asio::io_context& context, Step step, std::chrono::milliseconds pause_max)
    : context_(context),
      step_(std::move(step)),
      pause_max_(pause_max),
      gate_(context.get_executor()),
      between_steps_(context),
      within_step_(context) {}

void BackgroundLoop::start() {
  if (!gate_.enter()) return;
  asio::co_spawn(context_, run(Gate::Pass(gate_)), asio::detached);  // The gate is what `stop` waits on.
}

asio::awaitable<void> BackgroundLoop::stop() {
  stopping_ = true;
  between_steps_.cancel();
  within_step_.cancel();
  co_await gate_.close();
}

void BackgroundLoop::poke() {
  asio::post(context_, [this] {
    poked_ = true;
    between_steps_.cancel();
  });
}

asio::awaitable<void> BackgroundLoop::pause(std::chrono::milliseconds duration) {
  return sleep(within_step_, duration);
}

asio::awaitable<void> BackgroundLoop::sleep(asio::steady_timer& timer, std::chrono::milliseconds duration) const {
  if (stopping_) co_return;
  boost::system::error_code ignored;
  timer.expires_after(duration);
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> BackgroundLoop::run([[maybe_unused]] Gate::Pass pass) {
  auto rest = kPauseMin;
  while (!stopping_) {
    const Outcome outcome = co_await step_();
    if (stopping_) break;
    rest = outcome == Outcome::progressed ? kPauseMin : std::min(rest * 2, pause_max_);
    if (!std::exchange(poked_, false)) co_await sleep(between_steps_, rest);
    poked_ = false;
  }
}

}  // namespace firn::objects
