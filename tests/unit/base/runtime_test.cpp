#include "firn/base/runtime.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>

namespace firn {
namespace {

namespace asio = boost::asio;

/// Runs a task on io thread `index` and waits for it.
template <class T>
Result<T> run_on(Runtime& runtime, std::size_t index, Task<T> task) {
  return asio::co_spawn(runtime.io(index), std::move(task), asio::use_future).get();
}

struct Places {
  std::size_t before = 0;
  std::size_t during = 0;
  std::size_t after = 0;
};

Task<Places> visit_the_pool(Runtime& runtime) {
  Places places;
  places.before = Runtime::current();
  CO_TRY_LET(places.during, co_await run_blocking<std::size_t>(runtime, [] { return Runtime::current(); }));
  places.after = Runtime::current();
  co_return places;
}

Task<std::size_t> here_after_a_failure(Runtime& runtime) {
  const Result<> failed =
      co_await run_blocking<Unit>(runtime, []() -> Result<> { return error(Errc::io_error, "bad"); });
  EXPECT_EQ(failed.code(), Errc::io_error);
  co_return Runtime::current();
}

Task<std::size_t> here_after_an_exception(Runtime& runtime) {
  try {
    const Result<> outcome =
        co_await run_blocking<Unit>(runtime, []() -> Result<> { throw std::runtime_error("a bug"); });
    ADD_FAILURE() << "the exception was lost, answered " << outcome.has_value();
  } catch (const std::runtime_error& caught) {
    EXPECT_STREQ(caught.what(), "a bug");
  }
  co_return Runtime::current();
}

/// Cancelled by its own work, that is, while it runs: notes where the coroutine went on.
Task<> cancelled_amid_work(Runtime& runtime, std::function<void()> cancel, std::promise<std::size_t>& resumed_on) {
  const Result<> done = co_await run_blocking<Unit>(runtime, [&cancel]() -> Result<> {
    cancel();
    return Unit{};
  });
  EXPECT_TRUE(done);
  resumed_on.set_value(Runtime::current());
  co_return Unit{};
}

TEST(Runtime, RunsEachContextOnAThreadOfItsOwn) {
  Runtime runtime(3);
  runtime.start();
  EXPECT_EQ(runtime.io_threads(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    std::promise<std::size_t> ran_on;
    asio::post(runtime.io(i), [&ran_on] { ran_on.set_value(Runtime::current()); });
    EXPECT_EQ(ran_on.get_future().get(), i);
  }
}

TEST(Runtime, KnowsThreadsThatAreNotItsOwn) { EXPECT_EQ(Runtime::current(), Runtime::kNotAnIoThread); }

TEST(Runtime, StopsWithWorkStillQueued) {
  auto dropped = std::make_shared<int>(0);
  {
    Runtime runtime(1);
    asio::post(runtime.io(0), [dropped] { ++*dropped; });  // Never started, so never run.
    runtime.stop();
    runtime.stop();  // Again, by the destructor or a second signal: nothing happens.
  }
  EXPECT_EQ(*dropped, 0);
  EXPECT_EQ(dropped.use_count(), 1);
}

TEST(RunBlocking, WorksOnThePoolAndReturnsToTheCallersThread) {
  Runtime runtime(2);
  runtime.start();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto places = run_on(runtime, i, visit_the_pool(runtime));
    ASSERT_TRUE(places);
    EXPECT_EQ(places->before, i);
    EXPECT_EQ(places->during, Runtime::kNotAnIoThread);
    EXPECT_EQ(places->after, i);
  }
}

TEST(RunBlocking, ReturnsToTheCallersThreadWithAFailure) {
  Runtime runtime(2);
  runtime.start();
  EXPECT_EQ(*run_on(runtime, 1, here_after_a_failure(runtime)), 1U);
}

TEST(RunBlocking, ReturnsToTheCallersThreadWithAnException) {
  Runtime runtime(2);
  runtime.start();
  EXPECT_EQ(*run_on(runtime, 1, here_after_an_exception(runtime)), 1U);
}

TEST(RunBlocking, ReturnsToTheCallersThreadWhenCancelledAmidWork) {
  Runtime runtime(1);
  runtime.start();
  asio::cancellation_signal signal;
  std::promise<std::size_t> resumed_on;
  std::promise<void> ended;
  // The signal belongs to the io thread: the work asks that thread to cancel, and waits for it.
  const auto cancel = [&] {
    std::promise<void> emitted;
    asio::post(runtime.io(0), [&] {
      signal.emit(asio::cancellation_type::terminal);
      emitted.set_value();
    });
    emitted.get_future().wait();
  };
  asio::co_spawn(runtime.io(0), cancelled_amid_work(runtime, cancel, resumed_on),
                 asio::bind_cancellation_slot(signal.slot(),
                                              [&](const std::exception_ptr&, const Result<>&) { ended.set_value(); }));
  EXPECT_EQ(resumed_on.get_future().get(), 0U);
  ended.get_future().wait();
}

TEST(RunBlocking, DropsWorkAndItsCallerWhenTheRuntimeEndsFirst) {
  auto held = std::make_shared<int>(0);
  {
    Runtime runtime(1);
    runtime.blocking().stop();  // The work is queued, and no thread will take it.
    runtime.start();
    asio::co_spawn(runtime.io(0), run_blocking<int>(runtime, [held] { return *held; }),
                   [held](const std::exception_ptr&, const Result<int>&) { ++*held; });
    std::promise<void> queued;
    asio::post(runtime.io(0), [&queued] { queued.set_value(); });
    queued.get_future().wait();
  }
  EXPECT_EQ(*held, 0);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(RunBlocking, RunsWorkSideBySide) {
  Runtime runtime(1, 2);
  runtime.start();
  std::latch both(2);  // Each waits for the other: one thread alone would never pass.
  const auto meet = [&both]() -> Result<int> {
    both.arrive_and_wait();
    return 1;
  };
  auto first = asio::co_spawn(runtime.io(0), run_blocking<int>(runtime, meet), asio::use_future);
  auto second = asio::co_spawn(runtime.io(0), run_blocking<int>(runtime, meet), asio::use_future);
  EXPECT_EQ(*first.get() + *second.get(), 2);
}

}  // namespace
}  // namespace firn
