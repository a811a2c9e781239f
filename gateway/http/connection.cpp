#include "http/connection.h"

namespace firn::gateway {
namespace {

boost::asio::const_buffer to_buffer(ByteView bytes) { return {bytes.data(), bytes.size()}; }

/// Takes `bytes` off the front of the two runs.
void advance(ByteView& first, ByteView& second, std::size_t bytes) {
  const std::size_t of_first = std::min(bytes, first.size());
  first = first.subspan(of_first);
  second = second.subspan(bytes - of_first);
}

}  // namespace

boost::asio::awaitable<bool> Connection::handshake() {
  deadline_ = clock_.steady_now() + limits::kHandshakeDeadline;
  const bool ready = co_await transport_->handshake();
  deadline_ = SteadyTime::max();
  co_return ready;
}

boost::asio::awaitable<IoResult> Connection::read(ReadInto into, SteadyTime deadline) {
  deadline_ = deadline;
  const IoResult result = co_await transport_->read(into);
  deadline_ = SteadyTime::max();
  co_return result;
}

boost::asio::awaitable<IoResult> Connection::read_body(ReadInto into) {
  const SteadyTime before = clock_.steady_now();
  deadline_ = budget_.deadline(before);
  const IoResult result = co_await transport_->read(into);
  deadline_ = SteadyTime::max();
  budget_.waited(clock_.steady_now() - before, result.bytes);
  co_return result;
}

boost::asio::awaitable<bool> Connection::write(ByteView first, ByteView second, bool more) {
  while (!first.empty() || !second.empty()) {
    const IoResult written = transport_->try_write({to_buffer(first), to_buffer(second)}, more);
    if (written.moved()) {
      advance(first, second, written.bytes);
      budget_.waited({}, written.bytes);
      continue;
    }
    if (!written.would_block()) co_return false;
    const SteadyTime before = clock_.steady_now();
    deadline_ = budget_.deadline(before);
    const bool writable = co_await transport_->wait_to_write();
    deadline_ = SteadyTime::max();
    budget_.waited(clock_.steady_now() - before, 0);
    if (!writable) co_return false;
  }
  co_return true;
}

}  // namespace firn::gateway
