#include <gtest/gtest.h>

#include <thread>

#include "fake_cluster.h"

namespace firn::volume::testing {
namespace {

constexpr std::size_t kMiB = 1U << 20;

TEST(SlowDrive, IsReadAroundWhenItNeverAnswers) {
  FakeCluster cluster;
  const auto bytes = some_bytes(6 * kMiB + 5, 1);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  cluster.drive(1).hang_reads();
  EXPECT_EQ(*cluster.get(*written), bytes);
  EXPECT_TRUE(cluster.damaged().empty()) << "slow is not damaged";
  EXPECT_TRUE(cluster.failed_drives().empty());
}

TEST(SlowDrive, IsAskedNoMoreWhileSeveralReadsAreStuck) {
  FakeCluster cluster;
  const auto bytes = some_bytes(64U << 10, 2);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  cluster.drive(1).hang_reads();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(*cluster.get(*written), bytes);
  EXPECT_LE(cluster.drive(1).hanging_reads(), 3U);

  cluster.drive(1).release_reads();
  // The stuck reads end now; once they have, the drive is asked again.
  const std::size_t reads = cluster.drive(1).reads();
  while (cluster.drive(1).reads() == reads) ASSERT_EQ(*cluster.get(*written), bytes);
}

TEST(SlowDrive, LosesTheRaceWithItsMemoryIntact) {
  FakeCluster cluster;
  const auto bytes = some_bytes(64U << 10, 3);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  cluster.drive(2).hang_reads();
  ASSERT_EQ(*cluster.get(*written), bytes);
  cluster.drive(2).release_reads();  // Answers into a read whose reader is long gone.
  EXPECT_EQ(*cluster.get(*written), bytes);
}

TEST(SlowDrive, IsWaitedForWhenTooFewOthersAreLeft) {
  FakeCluster cluster;
  const auto bytes = some_bytes(64U << 10, 4);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  for (const std::size_t drive : {4U, 5U}) cluster.drive(drive).forget_all();
  cluster.drive(0).hang_reads();
  auto reading = cluster.start(get_parts(cluster.client(), {whole(*written)}));
  // Both parity drives are asked, to no avail, before the slow one answers.
  while (cluster.drive(5).reads() == 0) std::this_thread::yield();
  cluster.drive(0).release_reads();
  EXPECT_EQ(*reading.get(), bytes);
}

TEST(SlowDrive, OneOfTheOthersMayHangToo) {
  FakeCluster cluster;
  const auto bytes = some_bytes(64U << 10, 5);
  const auto written = cluster.put(extent_id(1), bytes);
  ASSERT_TRUE(written);
  cluster.drive(0).hang_reads();
  cluster.drive(4).hang_reads();
  EXPECT_EQ(*cluster.get(*written), bytes);
}

}  // namespace
}  // namespace firn::volume::testing
