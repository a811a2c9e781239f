#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "firn/base/gate.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"
#include "firn/objects/maintenance.h"

namespace firn::objects {

/// A loop on one io thread that runs a step, then sleeps until it is poked or its pause is over. With nothing to do the
/// pause doubles up to `pause_max`, so an idle server stays idle.
///
/// Threads: `start` and `stop` from that io thread's coroutines; `poke` from anywhere.
class BackgroundLoop {
 public:
  enum class Outcome { idle, progressed };
  using Step = std::function<boost::asio::awaitable<Outcome>()>;
  static constexpr std::chrono::milliseconds kPauseMin{1'000};
  static constexpr std::chrono::milliseconds kPauseMax{60'000};

  BackgroundLoop(boost::asio::io_context& context, Step step, std::chrono::milliseconds pause_max = kPauseMax);
  void start();
  boost::asio::awaitable<void> stop();
  void poke();
  bool stopping() const { return stopping_; }
  /// Sleeps inside a step, cut short by `stop` alone: what rate limits are made of.
  boost::asio::awaitable<void> pause(std::chrono::milliseconds duration);

 private:
  boost::asio::awaitable<void> run(Gate::Pass pass);
  boost::asio::awaitable<void> sleep(boost::asio::steady_timer& timer, std::chrono::milliseconds duration) const;

  boost::asio::io_context& context_;
  Step step_;
  const std::chrono::milliseconds pause_max_;
  Gate gate_;
  boost::asio::steady_timer between_steps_;
  boost::asio::steady_timer within_step_;
  bool poked_ = false;
  bool stopping_ = false;
};

}  // namespace firn::objects
