#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <utility>

#include "disk/completion.h"
#include "firn/base/assert.h"

namespace firn::volume {

/// A condition variable that suspends coroutines instead of blocking threads.
///
/// Threads: any; a coroutine is resumed on its own executor.
class AsyncCondition {
 public:
  AsyncCondition() = default;
  AsyncCondition(const AsyncCondition&) = delete;
  AsyncCondition& operator=(const AsyncCondition&) = delete;

  /// `lock` must hold the mutex that guards the condition. It is released once the caller is on the list, and is not
  /// taken again: check the condition anew.
  boost::asio::awaitable<void> wait(std::unique_lock<std::mutex>& lock) {
    Waiter waiter;
    waiter.executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(std::int32_t)>(
        [this, &waiter, &lock](auto handler) {
          waiter.completion.emplace(std::move(handler));
          *last_ = &waiter;
          last_ = &waiter.next;
          lock.unlock();
        },
        boost::asio::use_awaitable);
  }

  /// The mutex must be held.
  void notify_all() {
    while (notify_one()) {
    }
  }

  /// The mutex must be held. The one that waits longest; false when nobody does.
  bool notify_one() {
    Waiter* const waiter = first_;
    if (waiter == nullptr) return false;
    first_ = waiter->next;
    if (first_ == nullptr) last_ = &first_;
    boost::asio::post(waiter->executor, [waiter] { waiter->completion.complete(0); });
    return true;
  }

 private:
  struct Waiter {
    boost::asio::any_io_executor executor;
    Completion completion;
    Waiter* next = nullptr;
  };
  Waiter* first_ = nullptr;
  Waiter** last_ = &first_;
};

/// One coroutine at a time, in the order they came. May be held across co_await, unlike a mutex.
///
/// Threads: any.
class AsyncTurn {
 public:
  /// Gives the turn to the next when it goes out of scope.
  class Pass {
   public:
    explicit Pass(AsyncTurn& turn) : turn_(&turn) {}
    Pass(Pass&& other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (turn_ != nullptr) turn_->leave();
    }

   private:
    AsyncTurn* turn_;
  };

  boost::asio::awaitable<Pass> enter() {
    std::unique_lock lock(mutex_);
    if (taken_) {
      // The turn is handed over: `taken_` stays set.
      co_await next_.wait(lock);
    } else {
      taken_ = true;
      lock.unlock();
    }
    co_return Pass(*this);
  }

 private:
  void leave() {
    const std::lock_guard lock(mutex_);
    FIRN_ASSERT(taken_);
    if (!next_.notify_one()) taken_ = false;
  }

  std::mutex mutex_;
  bool taken_ = false;
  AsyncCondition next_;
};

}  // namespace firn::volume
