#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "firn/base/clock.h"
#include "http/input_buffer.h"
#include "http/limits.h"
#include "http/transport.h"

namespace firn::gateway {

using SteadyTime = std::chrono::steady_clock::time_point;

/// How long a peer may still keep us waiting inside a body: waiting spends it, bytes earn it back. So a slow but steady
/// peer goes on, one that sends a byte now and then does not, and no time passes while it is our turn.
class ProgressBudget {
 public:
  SteadyTime deadline(SteadyTime now) const { return now + left_; }
  void waited(SteadyTime::duration elapsed, std::uint64_t bytes) {
    const std::uint64_t earned_ms = bytes * 1000 / limits::kProgressBytesPerSecondMin;
    const SteadyTime::duration patience = limits::kProgressPatience;
    const std::uint64_t patience_ms = std::chrono::milliseconds(limits::kProgressPatience).count();
    left_ = std::max(left_ - elapsed, SteadyTime::duration{});
    left_ = std::min(left_ + std::chrono::milliseconds(std::min(earned_ms, patience_ms)), patience);
  }

 private:
  SteadyTime::duration left_ = limits::kProgressPatience;
};

/// One client's connection: its byte stream, what has been read ahead, and the deadline it is under.
///
/// Threads: the io thread that accepted it, the sweep of that thread included.
class Connection {
 public:
  Connection(std::unique_ptr<Transport> transport, const Clock& clock)
      : transport_(std::move(transport)), clock_(clock) {}

  Transport& transport() { return *transport_; }
  InputBuffer& input() { return input_; }
  const Clock& clock() const { return clock_; }

  boost::asio::awaitable<bool> handshake();
  /// Reads at least one byte, under a deadline.
  boost::asio::awaitable<IoResult> read(ReadInto into, SteadyTime deadline);
  /// The same inside a body.
  boost::asio::awaitable<IoResult> read_body(ReadInto into);
  /// Sends both runs. False when the connection is gone or too slow. `more` of the message follows as soon as it is
  /// read.
  boost::asio::awaitable<bool> write(ByteView first, ByteView second, bool more = false);

  /// Each message starts with full patience.
  void renew_patience() { budget_ = ProgressBudget(); }
  /// Ends the connection if its peer is late. Called by the thread's sweep.
  void cut_if_late(SteadyTime now) {
    if (now >= deadline_) cut();
  }
  void cut() {
    cut_ = true;
    transport_->cut();
  }
  bool was_cut() const { return cut_; }

 private:
  std::unique_ptr<Transport> transport_;
  const Clock& clock_;
  InputBuffer input_;
  SteadyTime deadline_ = SteadyTime::max();
  ProgressBudget budget_;
  bool cut_ = false;
};

}  // namespace firn::gateway
