#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "firn/base/result.h"
#include "firn/base/runtime.h"

namespace firn::volume {

/// One count of payload memory over all io threads. Who finds it used up waits in line behind the others of its thread.
///
/// Threads: `take` and `try_take` on any io thread; a reservation may end on any thread.
/// Memory: never grants more than the bound, except that one request larger than the whole bound is cut to it.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  /// A share of the bound, given back when it ends. The admission must outlive it.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Reservation& operator=(Reservation&& other) noexcept {
      std::swap(admission_, other.admission_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Reservation() { release(); }
    explicit operator bool() const { return admission_ != nullptr; }
    std::uint64_t bytes() const { return bytes_; }
    /// Parts `bytes` (at most all that is left) off this reservation.
    Reservation split(std::uint64_t bytes);
    void release();

   private:
    friend class Admission;
    Reservation(Admission& admission, std::uint64_t bytes) : admission_(&admission), bytes_(bytes) {}
    Admission* admission_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

  Admission(Runtime& runtime, std::uint64_t bytes_max);

  /// Waits in line, at most `patience`, then Errc::slow_down.
  Task<Reservation> take(std::uint64_t bytes, std::chrono::milliseconds patience);
  /// Nothing (an empty reservation) when the bytes are not free or somebody waits for them.
  Reservation try_take(std::uint64_t bytes);
  std::uint64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }

 private:
  struct Waiter;
  struct alignas(64) Line {      // One per io thread, on a cache line of its own.
    std::list<Waiter*> waiters;  // Of its thread alone.
    std::atomic<std::uint32_t> length{0};
    std::atomic<bool> wake_posted{false};
  };

  bool use(std::uint64_t bytes);
  void give_back(std::uint64_t bytes);
  /// Grants from the front of the calling thread's line what is free.
  void serve(Line& line);
  void leave(Line& line, Waiter& waiter);
  void wake(std::size_t thread);

  Runtime& runtime_;
  const std::uint64_t bytes_max_;
  std::vector<Line> lines_;
  alignas(64) std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint32_t> waiting_{0};  // Over all lines.
};

}  // namespace firn::volume
