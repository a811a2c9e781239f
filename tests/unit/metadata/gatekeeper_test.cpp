#include "server/gatekeeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

namespace firn::metadata {
namespace {

TEST(Gatekeeper, LetsNobodyInOnceClosed) {
  Gatekeeper gate;
  EXPECT_TRUE(Gatekeeper::Pass(gate));
  gate.close();
  EXPECT_FALSE(Gatekeeper::Pass(gate));
}

/// Half the rounds close while somebody is inside. That the last to leave touches nothing afterwards is for the
/// sanitizers to say.
TEST(Gatekeeper, MayGoAsSoonAsItHasClosed) {
  for (int round = 0; round < 200; ++round) {
    auto gate = std::make_unique<Gatekeeper>();
    std::atomic<bool> inside{false}, may_leave{round % 2 == 0}, left{false};
    std::thread caller([&, &gate = *gate] {
      const Gatekeeper::Pass pass(gate);
      inside.store(true);
      while (!may_leave.load()) std::this_thread::yield();
      left.store(true);
    });
    while (!inside.load()) std::this_thread::yield();
    may_leave.store(true);
    gate->close();
    EXPECT_TRUE(left.load());
    gate.reset();
    caller.join();
  }
}

}  // namespace
}  // namespace firn::metadata
