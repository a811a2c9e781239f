#include "admission.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>

#include "firn/base/assert.h"

namespace firn::volume {

struct Admission::Waiter {
  explicit Waiter(boost::asio::io_context& io) : timer(io) {}
  std::uint64_t bytes = 0;
  boost::asio::steady_timer timer;  // Cancelled when the bytes are granted.
  std::list<Waiter*>::iterator place;
  bool granted = false;
};

Admission::Reservation Admission::Reservation::split(std::uint64_t bytes) {
  if (!admission_) return {};
  const std::uint64_t part = std::min(bytes, bytes_);
  bytes_ -= part;
  return Reservation(*admission_, part);
}

void Admission::Reservation::release() {
  if (admission_) std::exchange(admission_, nullptr)->give_back(std::exchange(bytes_, 0));
}

Admission::Admission(Runtime& runtime, std::uint64_t bytes_max)
    : runtime_(runtime), bytes_max_(bytes_max), lines_(runtime.io_threads()) {}

bool Admission::use(std::uint64_t bytes) {
  std::uint64_t used = used_.load();
  do {
    if (used + bytes > bytes_max_) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

Admission::Reservation Admission::try_take(std::uint64_t bytes) {
  bytes = std::min(bytes, bytes_max_);
  if (waiting_.load() > 0 || !use(bytes)) return {};
  return Reservation(*this, bytes);
}

Task<Admission::Reservation> Admission::take(std::uint64_t bytes, std::chrono::milliseconds patience) {
  bytes = std::min(bytes, bytes_max_);
  if (Reservation free = try_take(bytes)) co_return free;

  const std::size_t thread = Runtime::current();
  FIRN_ASSERT(thread < lines_.size());
  Line& line = lines_[thread];
  struct InLine {  // Leaves the line however the coroutine ends; bytes granted but not taken go back.
    Admission& admission;
    Line& line;
    Waiter waiter;
    ~InLine() { admission.leave(line, waiter); }
  } in_line{*this, line, Waiter(runtime_.io(thread))};
  Waiter& waiter = in_line.waiter;
  waiter.bytes = bytes;
  waiter.timer.expires_after(patience);
  waiter.place = line.waiters.insert(line.waiters.end(), &waiter);
  // In line first, then one more look: whoever gives back between the two sees the line, or we see the bytes.
  ++line.length;
  ++waiting_;
  serve(line);
  if (!waiter.granted) {
    boost::system::error_code woken;
    co_await waiter.timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }
  if (!waiter.granted) co_return error(Errc::slow_down, "no upload memory became free in time");
  waiter.granted = false;
  co_return Reservation(*this, bytes);
}

void Admission::serve(Line& line) {
  while (!line.waiters.empty() && use(line.waiters.front()->bytes)) {
    Waiter& first = *line.waiters.front();
    line.waiters.pop_front();
    first.place = line.waiters.end();
    --line.length;
    --waiting_;
    first.granted = true;
    first.timer.cancel();
  }
}

void Admission::leave(Line& line, Waiter& waiter) {
  if (waiter.place != line.waiters.end()) {
    line.waiters.erase(waiter.place);
    --line.length;
    --waiting_;
    serve(line);  // Who stood behind may want less.
  } else if (waiter.granted) {
    give_back(waiter.bytes);
  }
}

void Admission::give_back(std::uint64_t bytes) {
  used_.fetch_sub(bytes);
  if (waiting_.load() == 0) return;
  for (std::size_t thread = 0; thread < lines_.size(); ++thread) {
    if (lines_[thread].length.load() > 0) wake(thread);
  }
}

void Admission::wake(std::size_t thread) {
  Line& line = lines_[thread];
  if (thread == Runtime::current()) {
    serve(line);
  } else if (!line.wake_posted.exchange(true)) {
    boost::asio::post(runtime_.io(thread), [self = shared_from_this(), &line] {
      line.wake_posted.store(false);
      self->serve(line);
    });
  }
}

}  // namespace firn::volume
