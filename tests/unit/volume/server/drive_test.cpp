#include <gtest/gtest.h>

#include "drive_rig.h"

namespace firn::volume {
namespace {

constexpr std::uint32_t kSmall = 8 << 10;

TEST(DriveAppend, IsReadBackAtOnceAndAfterASync) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(key_of(1), kSmall));
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  EXPECT_TRUE(rig.check(key_of(1), kSmall));
  EXPECT_EQ(rig.check(key_of(2), kSmall).code(), Errc::not_found);
}

TEST(DriveAppend, StoresRecordsThatAreOnlyAHeader) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), 0));
  rig.crash();
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.check(key_of(1), 0));
}

TEST(DriveAppend, GoesOnInTheNextSegmentWhenOneIsFull) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < 30; ++i) ASSERT_TRUE(rig.append(key_of(i), kChunkBytesMax));
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  for (std::uint64_t i = 0; i < 30; ++i) EXPECT_TRUE(rig.check(key_of(i), kChunkBytesMax)) << i;
  EXPECT_GE(rig.run(rig.drive().usage())->allocated_bytes, 30ULL << 20);
}

TEST(DriveRead, GivesTheBlocksThatCoverARange) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_and_sync(key_of(1), 64 << 10));
  const auto bytes = rig.run(rig.drive().read(key_of(1), {10'000, 5'000}));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->first_block, 2U);
  EXPECT_EQ(bytes->blocks().size(), 2 * kBlockBytes);
  const auto& header = bytes->header();
  EXPECT_TRUE(verify_blocks(header, bytes->first_block, bytes->blocks()));
  EXPECT_EQ(rig.run(rig.drive().read(key_of(1), {60 << 10, 8 << 10})).code(), Errc::invalid_argument);
}

TEST(DriveSync, IsWhatMakesAnAppendSurvivePowerLoss) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(rig.append_and_sync(key_of(i), kSmall));
  for (std::uint64_t i = 100; i < 120; ++i) ASSERT_TRUE(rig.append(key_of(i), kSmall));
  rig.crash();
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_TRUE(rig.check(key_of(i), kSmall)) << i;
  std::size_t lost = 0;
  for (std::uint64_t i = 100; i < 120; ++i) {
    const auto found = rig.check(key_of(i), kSmall);
    // Whole or not there; never wrong bytes.
    if (!found) {
      EXPECT_EQ(found.code(), Errc::not_found);
      ++lost;
    }
  }
  EXPECT_GT(lost, 0U) << "the simulated power loss lost nothing, so this test shows nothing";
}

TEST(DriveSync, SurvivesARestartAfterACleanStopWithoutAScan) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < 50; ++i) ASSERT_TRUE(rig.append_and_sync(key_of(i), kSmall));
  ASSERT_TRUE(rig.stop());
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.drive().stats().records_recovered, 0U);
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_TRUE(rig.check(key_of(i), kSmall)) << i;
  ASSERT_TRUE(rig.append_and_sync(key_of(50), kSmall));
  rig.kill();
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i <= 50; ++i) EXPECT_TRUE(rig.check(key_of(i), kSmall)) << i;
}

TEST(DriveIndex, IsRebuiltFromTheSegmentsWhenItIsLost) {
  DriveRig rig(test_seed());
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < 200; ++i) ASSERT_TRUE(rig.append(key_of(i), 64 << 10));
  ASSERT_TRUE(rig.run(rig.drive().sync()));
  ASSERT_TRUE(rig.stop());
  rig.delete_index();
  ASSERT_TRUE(rig.open());
  for (std::uint64_t i = 0; i < 200; ++i) EXPECT_TRUE(rig.check(key_of(i), 64 << 10)) << i;
}

}  // namespace
}  // namespace firn::volume
