#include "network.h"

namespace firn::simulation {

using std::chrono::microseconds;

boost::asio::awaitable<bool> Network::carry(NodeId from, NodeId to) {
  if (from == to) co_return up(from);
  const bool lost = !connected(from, to) || random_.below(1'000) < loss_;
  // Mostly a fraction of a millisecond; now and then a queue somewhere.
  const std::uint64_t delay = random_.one_in(50) ? random_.between(2'000, 80'000) : random_.between(100, 700);
  co_await sleep(microseconds(delay));
  const bool arrived = !lost && connected(from, to);
  if (!arrived) trace_.add("lost", from.value, to.value);
  co_return arrived;
}

}  // namespace firn::simulation
