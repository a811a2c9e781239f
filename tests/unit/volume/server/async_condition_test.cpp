#include "shard/async_condition.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <vector>

#include "firn/base/runtime.h"

namespace firn::volume {
namespace {

namespace asio = boost::asio;

struct Shared {
  std::mutex mutex;
  AsyncCondition condition;
  AsyncTurn turn;
  int value = 0;
  std::vector<int> order;
};

asio::awaitable<int> wait_for_value(Shared& shared, int wanted) {
  for (;;) {
    std::unique_lock lock(shared.mutex);
    if (shared.value >= wanted) co_return shared.value;
    co_await shared.condition.wait(lock);
  }
}

asio::awaitable<void> raise_value(Shared& shared) {
  const std::lock_guard lock(shared.mutex);
  ++shared.value;
  shared.condition.notify_all();
  co_return;
}

asio::awaitable<void> take_turns(Shared& shared, int id, int count) {
  for (int i = 0; i < count; ++i) {
    const AsyncTurn::Pass pass = co_await shared.turn.enter();
    // Not guarded by the mutex: the turn alone keeps the threads apart.
    const std::size_t before = shared.order.size();
    shared.order.push_back(id);
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    EXPECT_EQ(shared.order.size(), before + 1);
  }
}

TEST(AsyncCondition, ResumesWaitersOfAllThreads) {
  Runtime runtime(2);
  runtime.start();
  Shared shared;
  std::vector<std::future<int>> waiters;
  for (std::size_t i = 0; i < 20; ++i) {
    waiters.push_back(asio::co_spawn(runtime.io(i % 2), wait_for_value(shared, 5), asio::use_future));
  }
  for (std::size_t i = 0; i < 5; ++i) asio::co_spawn(runtime.io(i % 2), raise_value(shared), asio::use_future).get();
  for (auto& waiter : waiters) EXPECT_EQ(waiter.get(), 5);
  runtime.stop();
}

TEST(AsyncTurn, LetsOneInAtATimeAcrossThreads) {
  Runtime runtime(2);
  runtime.start();
  Shared shared;
  std::vector<std::future<void>> takers;
  for (int i = 0; i < 8; ++i) {
    takers.push_back(
        asio::co_spawn(runtime.io(static_cast<std::size_t>(i) % 2), take_turns(shared, i, 200), asio::use_future));
  }
  for (auto& taker : takers) taker.get();
  EXPECT_EQ(shared.order.size(), 8U * 200U);
  runtime.stop();
}

}  // namespace
}  // namespace firn::volume
