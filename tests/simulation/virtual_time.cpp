#include "virtual_time.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// A Tuesday in 2026, and a machine that has been up for a while.
constexpr std::int64_t kUnixStart = 1'767'700'000 * kSecond;
constexpr std::int64_t kSteadyStart = 1'000 * kSecond;
constexpr std::int64_t kNever = INT64_MAX;

struct State {
  bool on = false;
  std::int64_t elapsed = 0;
  int timer = -1;             // The io_context's, once it was set.
  std::int64_t due = kNever;  // When it is to fire.
};
thread_local State state;

std::int64_t real(clockid_t clock) {
  timespec now{};
  syscall(SYS_clock_gettime, clock, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

/// The io_context hears of it the way it always does: its timer's descriptor can be read.
void fire() {
  state.due = kNever;
  const std::uint64_t once = 1;
  if (write(state.timer, &once, sizeof once) != sizeof once) std::abort();
}

int wait_really(int epoll, epoll_event* events, int count, int timeout) {
  return static_cast<int>(syscall(SYS_epoll_pwait, epoll, events, count, timeout, nullptr, 8));
}

}  // namespace

/// An event, which can be read as soon as it was fired: a timer of the kernel's would take its time, and the processor.
extern "C" int timerfd_create(int, int) noexcept { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

extern "C" int timerfd_settime(int timer, int flags, const itimerspec* value, itimerspec*) noexcept {
  const std::int64_t wait = value->it_value.tv_sec * kSecond + value->it_value.tv_nsec;
  state.timer = timer;
  state.due = (flags & TFD_TIMER_ABSTIME) != 0 ? state.elapsed : wait == 0 ? kNever : state.elapsed + wait;
  std::uint64_t fired = 0;
  (void)!read(timer, &fired, sizeof fired);  // What has fired is taken back.
  return 0;
}

extern "C" int epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
  if (!state.on) return wait_really(epoll, events, count, timeout);
  const int ready = wait_really(epoll, events, count, 0);
  if (ready != 0) return ready;
  const bool due = state.due <= state.elapsed;
  if (!due && timeout == 0) return 0;
  // Nothing to do and nothing to wait for: who starts the next thing does so from outside.
  if (state.due == kNever) return wait_really(epoll, events, count, timeout);
  if (!due) state.elapsed = state.due;
  fire();
  return wait_really(epoll, events, count, -1);
}

namespace std::chrono {

steady_clock::time_point steady_clock::now() noexcept {
  return time_point(nanoseconds(state.on ? kSteadyStart + state.elapsed : real(CLOCK_MONOTONIC)));
}

system_clock::time_point system_clock::now() noexcept {
  return time_point(nanoseconds(state.on ? kUnixStart + state.elapsed : real(CLOCK_REALTIME)));
}

}  // namespace std::chrono

namespace firn::simulation {

VirtualTime::VirtualTime() { state = {.on = true}; }
VirtualTime::~VirtualTime() { state = {}; }
VirtualTime::Nanoseconds VirtualTime::elapsed() { return Nanoseconds(state.elapsed); }

boost::asio::awaitable<void> sleep(std::chrono::nanoseconds duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace firn::simulation
