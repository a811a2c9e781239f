#include "src/extent_ids.h"

#include <gtest/gtest.h>

#include <vector>

#include "fake_metadata.h"
#include "run.h"

namespace firn::objects {
namespace {

constexpr Uuid kGateway{{1, 2, 3}};

struct Fixture {
  test::FakeMetadata metadata;
  ExtentIds ids;
  explicit Fixture(std::uint64_t extents_per_lease) : ids(metadata, kGateway, extents_per_lease) {
    EXPECT_TRUE(test::run(ids.start()));
  }
  ExtentIds::Ticket take() {
    auto ticket = test::run(ids.take());
    EXPECT_TRUE(ticket);
    return *std::move(ticket);
  }
  void write_one() { take().committed(); }
};

TEST(ExtentIds, CountsUnderOneLease) {
  Fixture f(1'000);
  const auto first = f.take().extent();
  const auto second = f.take().extent();
  EXPECT_EQ(first.lease, f.ids.current());
  EXPECT_EQ(second.lease, first.lease);
  EXPECT_LT(first.counter, second.counter);
}

TEST(ExtentIds, GivesNothingBeforeStartAndAfterStop) {
  test::FakeMetadata metadata;
  ExtentIds ids(metadata, kGateway, 10);
  EXPECT_EQ(test::run(ids.take()).code(), Errc::cancelled);
  ASSERT_TRUE(test::run(ids.start()));
  EXPECT_TRUE(test::run(ids.take()));
  ids.stop();
  EXPECT_EQ(test::run(ids.take()).code(), Errc::cancelled);
}

TEST(ExtentIds, TakesAnotherLeaseAfterItsShare) {
  Fixture f(2);
  const LeaseId first = f.ids.current();
  f.write_one();
  f.write_one();
  const auto third = f.take().extent();
  EXPECT_NE(third.lease, first);
  EXPECT_TRUE(f.metadata.closed_leases.empty()) << "closed at the next rotation, not at its own";
}

TEST(ExtentIds, ClosesADrainedLeaseAtTheNextRotation) {
  Fixture f(1);
  const LeaseId first = f.ids.current();
  f.write_one();
  f.write_one();
  f.write_one();
  EXPECT_EQ(f.metadata.closed_leases, std::vector{first});
}

TEST(ExtentIds, KeepsALeaseOpenWhileAnExtentIsStillBeingWritten) {
  Fixture f(1);
  const LeaseId first = f.ids.current();
  {
    const auto slow = f.take();
    for (int i = 0; i < 5; ++i) f.write_one();
    EXPECT_EQ(std::count(f.metadata.closed_leases.begin(), f.metadata.closed_leases.end(), first), 0);
  }
  for (int i = 0; i < 3; ++i) f.write_one();
  EXPECT_EQ(std::count(f.metadata.closed_leases.begin(), f.metadata.closed_leases.end(), first), 1);
}

TEST(ExtentIds, GivesUpALeaseWithOrphansSoThatTheyCanBeCollected) {
  Fixture f(1'000'000);
  const LeaseId first = f.ids.current();
  for (std::uint64_t i = 0; i < ExtentIds::kAbandonedMax; ++i) (void)f.take();
  EXPECT_TRUE(f.metadata.closed_leases.empty());
  f.write_one();
  EXPECT_NE(f.ids.current(), first);
  f.write_one();
  EXPECT_EQ(f.metadata.closed_leases, std::vector{first});
  const LeaseId settled = f.ids.current();
  for (int i = 0; i < 100; ++i) f.write_one();
  EXPECT_EQ(f.ids.current(), settled);
}

TEST(ExtentIds, ServesOnUnderTheCurrentLeaseWhenTooManyAreDraining) {
  Fixture f(1);
  std::vector<ExtentIds::Ticket> slow;
  for (std::size_t i = 0; i < 3 * ExtentIds::kDrainingMax; ++i) slow.push_back(f.take());
  std::vector<LeaseId> leases;
  for (const auto& ticket : slow) {
    if (leases.empty() || leases.back() != ticket.extent().lease) leases.push_back(ticket.extent().lease);
  }
  EXPECT_EQ(leases.size(), ExtentIds::kDrainingMax + 1);
  EXPECT_TRUE(f.metadata.closed_leases.empty());
}

}  // namespace
}  // namespace firn::objects
