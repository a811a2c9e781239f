#include "firn/base/gate.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

namespace firn {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> close_and_note(Gate& gate, bool& closed) {
  co_await gate.close();
  closed = true;
}

/// Runs whatever is ready, without waiting.
void run_ready(asio::io_context& io) {
  io.restart();
  while (io.poll() > 0) {
  }
}

TEST(Gate, ClosesAtOnceWhenNobodyIsInside) {
  asio::io_context io;
  Gate gate(io.get_executor());
  bool closed = false;
  asio::co_spawn(io, close_and_note(gate, closed), asio::detached);
  run_ready(io);
  EXPECT_TRUE(closed);
  EXPECT_TRUE(gate.closed());
}

TEST(Gate, WaitsUntilTheLastHasLeft) {
  asio::io_context io;
  Gate gate(io.get_executor());
  ASSERT_TRUE(gate.enter());
  ASSERT_TRUE(gate.enter());
  bool closed = false;
  asio::co_spawn(io, close_and_note(gate, closed), asio::detached);
  run_ready(io);
  EXPECT_FALSE(closed);
  gate.leave();
  run_ready(io);
  EXPECT_FALSE(closed);
  gate.leave();
  run_ready(io);
  EXPECT_TRUE(closed);
}

TEST(Gate, LetsNobodyInOnceItIsClosing) {
  asio::io_context io;
  Gate gate(io.get_executor());
  ASSERT_TRUE(gate.enter());
  bool closed = false;
  asio::co_spawn(io, close_and_note(gate, closed), asio::detached);
  run_ready(io);
  EXPECT_TRUE(gate.closed());
  EXPECT_FALSE(gate.enter());
  gate.leave();
  run_ready(io);
  EXPECT_TRUE(closed);
  EXPECT_FALSE(gate.enter());
}

TEST(Gate, OpensAgainForTheNextWhenAllHaveLeftButNobodyClosesIt) {
  asio::io_context io;
  Gate gate(io.get_executor());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(gate.enter());
    gate.leave();
  }
  EXPECT_FALSE(gate.closed());
}

TEST(Gate, ReleasesEveryoneWhoClosesIt) {
  asio::io_context io;
  Gate gate(io.get_executor());
  ASSERT_TRUE(gate.enter());
  bool first = false;
  bool second = false;
  asio::co_spawn(io, close_and_note(gate, first), asio::detached);
  asio::co_spawn(io, close_and_note(gate, second), asio::detached);
  run_ready(io);
  gate.leave();
  run_ready(io);
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
}

TEST(Gate, StillWaitsWhenTheOneWhoClosesIsCancelled) {
  asio::io_context io;
  Gate gate(io.get_executor());
  ASSERT_TRUE(gate.enter());
  bool closed = false;
  asio::cancellation_signal cancel;
  asio::co_spawn(io, close_and_note(gate, closed),
                 asio::bind_cancellation_slot(cancel.slot(), [](const std::exception_ptr&) {}));
  run_ready(io);
  cancel.emit(asio::cancellation_type::terminal);
  run_ready(io);
  EXPECT_FALSE(closed);
  gate.leave();
  run_ready(io);
  EXPECT_TRUE(closed);
}

TEST(GatePass, LeavesAtTheEndOfItsScopeAndOnlyOnce) {
  asio::io_context io;
  Gate gate(io.get_executor());
  bool closed = false;
  ASSERT_TRUE(gate.enter());
  {
    Gate::Pass pass(gate);
    const Gate::Pass moved = std::move(pass);
    asio::co_spawn(io, close_and_note(gate, closed), asio::detached);
    run_ready(io);
    EXPECT_FALSE(closed);
  }
  run_ready(io);
  EXPECT_TRUE(closed);
}

TEST(GateDeathTest, StopsWhenMoreLeaveThanEntered) {
  asio::io_context io;
  Gate gate(io.get_executor());
  EXPECT_DEATH(gate.leave(), "assertion failed");
}

}  // namespace
}  // namespace firn
