#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace firn::metadata {

/// Counts the calls under way on all threads, so that a stop can wait for them.
///
/// Threads: any. A call costs two atomic additions.
class Gatekeeper {
 public:
  /// Leaves when it goes. False once the gate is closed: then nothing may be begun.
  class Pass {
   public:
    explicit Pass(Gatekeeper& gate) : gate_(gate.enter() ? &gate : nullptr) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gatekeeper* gate_;
  };

  /// Lets nobody in any more, and returns when all have left. The gate may go then: whoever was inside touches it no
  /// more.
  void close() {
    std::unique_lock lock(mutex_);
    if ((inside_.fetch_or(kClosed, std::memory_order_acq_rel) & ~kClosed) == 0) return;
    left_.wait(lock, [this] { return all_left_; });
  }

 private:
  static constexpr std::uint64_t kClosed = 1ULL << 63;
  bool enter() {
    if ((inside_.fetch_add(1, std::memory_order_acq_rel) & kClosed) == 0) return true;
    leave();
    return false;
  }
  void leave() {
    if (inside_.fetch_sub(1, std::memory_order_acq_rel) != kClosed + 1) return;
    const std::lock_guard lock(mutex_);
    all_left_ = true;
    left_.notify_all();
  }

  std::atomic<std::uint64_t> inside_{0};
  std::mutex mutex_;
  std::condition_variable left_;
  bool all_left_ = false;  ///< Set by the last to leave: `inside_` falls before it is done with the mutex.
};

}  // namespace firn::metadata
