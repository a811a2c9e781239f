#include "src/hash_lanes.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

namespace firn::objects {
namespace {

namespace asio = boost::asio;

/// Fewer bytes are hashed sooner than they are brought together with others.
constexpr std::size_t kWorthwhileBytes = 8 * 1024;
/// More bodies than the widest vector unit has lanes need not be waited for.
constexpr std::size_t kTogetherMax = 16;
/// Turns of the event loop without a newcomer, after which bytes no longer wait for company: in the first the loop asks
/// which sockets are ready, in the second it reads from them.
constexpr unsigned kQuietTurns = 2;

}  // namespace

HashLanes& HashLanes::here() {
  static thread_local HashLanes lanes;
  return lanes;
}

asio::awaitable<void> HashLanes::update(BodyHasher& hasher, ByteView bytes, BlockSink& sink) {
  if (bytes.size() < kWorthwhileBytes) {
    hasher.update(bytes);
    sink.take(bytes);
    co_return;
  }
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&](Waiter waiter) {
        updates_.push_back({&hasher, bytes, &sink});
        waiters_.push_back(std::move(waiter));
        if (updates_.size() == 1) gather(executor, 1, kQuietTurns);
      },
      asio::use_awaitable);
}

void HashLanes::gather(const asio::any_io_executor& executor, std::size_t seen, unsigned turns_left) {
  asio::post(executor, [this, executor, seen, turns_left] {
    const std::size_t together = updates_.size();
    const unsigned turns = together > seen ? kQuietTurns : turns_left - 1;
    if (turns == 0 || together >= kTogetherMax) return run();
    gather(executor, together, turns);
  });
}

void HashLanes::run() {
  auto updates = std::exchange(updates_, {});
  auto waiters = std::exchange(waiters_, {});
  update_side_by_side(updates);
  for (Waiter& waiter : waiters) asio::post(std::move(waiter));
}

}  // namespace firn::objects
