#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>

#include "firn/base/log.h"
#include "firn/base/runtime.h"
#include "virtual_time.h"

namespace firn::simulation {

/// Where simulations run: one io thread does everything, the others of a runtime have nothing to do. Silent, unless
/// FIRN_SIMULATION_LOG names a log level.
class World {
 public:
  World() {
    log::Level level = log::Level::off;
    if (const char* const wanted = std::getenv("FIRN_SIMULATION_LOG")) (void)log::parse(wanted, level);
    log::set_level(level);
    runtime_.start();
  }
  ~World() { runtime_.stop(); }

  Runtime& runtime() { return runtime_; }
  /// Runs it to its end, in virtual time from zero on.
  template <class T>
  T run(boost::asio::awaitable<T> work) {
    return boost::asio::co_spawn(runtime_.io(0), in_virtual_time(std::move(work)), boost::asio::use_future).get();
  }

 private:
  template <class T>
  static boost::asio::awaitable<T> in_virtual_time(boost::asio::awaitable<T> work) {
    const VirtualTime time;
    co_return co_await std::move(work);
  }

  Runtime runtime_{1, 1};
};

}  // namespace firn::simulation
