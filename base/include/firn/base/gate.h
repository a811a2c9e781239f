#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <utility>

#include "firn/base/result.h"

namespace firn {

/// Counts the background coroutines of one owner, so that its `stop()` can wait for them.
///
/// Threads: all calls on the executor given at construction.
class Gate {
 public:
  explicit Gate(const boost::asio::any_io_executor& executor);

  /// False once closed: the caller must not start its work.
  [[nodiscard]] bool enter();
  void leave();
  bool closed() const { return closed_; }
  /// Lets nobody in any more, then waits until all have left, also when the caller is cancelled meanwhile.
  boost::asio::awaitable<void> close();

  /// Leaves when it goes out of scope.
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(&gate) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_) gate_->leave();
    }

   private:
    Gate* gate_;
  };

 private:
  boost::asio::steady_timer idle_;
  std::size_t inside_ = 0;
  bool closed_ = false;
};

}  // namespace firn
