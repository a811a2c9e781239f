#include "client/read_health.h"

#include <gtest/gtest.h>

namespace firn::volume {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr DriveIndex kSlow{0};

void answer(ReadHealth& health, int rounds, microseconds usual, microseconds slow) {
  for (int i = 0; i < rounds; ++i) {
    health.finished(kSlow, slow);
    for (std::uint16_t drive = 1; drive < 6; ++drive) health.finished(DriveIndex{drive}, usual);
  }
}

TEST(ReadHealth, HasPatienceOfTwentyMillisecondsWithFastDrives) {
  ReadHealth health;
  answer(health, 50, microseconds(200), microseconds(200));
  EXPECT_EQ(health.patience(), milliseconds(20));
}

TEST(ReadHealth, WaitsTenTimesTheUsualWhenAllDrivesAreSlow) {
  ReadHealth health;
  answer(health, 50, milliseconds(9), milliseconds(9));
  EXPECT_GE(health.patience(), milliseconds(89));
  EXPECT_LE(health.patience(), milliseconds(91));
  EXPECT_FALSE(health.avoid(kSlow));
}

TEST(ReadHealth, DoesNotLetOneSlowDriveRaiseThePatience) {
  ReadHealth health;
  answer(health, 50, microseconds(500), milliseconds(50));
  EXPECT_EQ(health.patience(), milliseconds(20));
  EXPECT_TRUE(health.avoid(kSlow));
  EXPECT_FALSE(health.avoid(DriveIndex{1}));
}

TEST(ReadHealth, ProbesASlowDriveNowAndThen) {
  ReadHealth health;
  answer(health, 50, microseconds(500), milliseconds(50));
  EXPECT_TRUE(health.probe(kSlow));
  EXPECT_FALSE(health.probe(kSlow)) << "not twice in a row";
}

TEST(ReadHealth, TrustsASlowDriveAgainOnceItAnswersFast) {
  ReadHealth health;
  answer(health, 50, microseconds(500), milliseconds(50));
  for (int i = 0; i < 20; ++i) health.finished(kSlow, microseconds(500));
  EXPECT_FALSE(health.avoid(kSlow));
}

TEST(ReadHealth, AvoidsADriveWithStuckReadsUntilTheyReturn) {
  ReadHealth health;
  health.overdue(kSlow);
  EXPECT_FALSE(health.avoid(kSlow));
  health.overdue(kSlow);
  EXPECT_TRUE(health.avoid(kSlow));
  EXPECT_FALSE(health.probe(kSlow));
  health.settled(kSlow);
  EXPECT_FALSE(health.avoid(kSlow));
}

TEST(ReadHealth, AvoidsNoDriveWhereHalfOfThemAreStuck) {
  ReadHealth health;
  for (std::uint16_t drive = 0; drive < 6; ++drive) health.finished(DriveIndex{drive}, microseconds(500));
  for (std::uint16_t drive = 0; drive < 3; ++drive) {
    for (int read = 0; read < 2; ++read) health.overdue(DriveIndex{drive});
    EXPECT_EQ(health.avoid(kSlow), drive < 2) << "with " << drive + 1 << " stuck";
  }
}

TEST(ReadHealth, AvoidsNoDriveWhenAllBecomeSlowAtOnce) {
  ReadHealth health;
  for (int round = 0; round < 3; ++round) {
    for (std::uint16_t drive = 0; drive < 6; ++drive) health.finished(DriveIndex{drive}, milliseconds(40));
    for (std::uint16_t drive = 0; drive < 6; ++drive) EXPECT_FALSE(health.avoid(DriveIndex{drive}));
  }
  EXPECT_GE(health.patience(), milliseconds(300));
}

TEST(ReadHealth, AllowsOneHedgeInTwentyReads) {
  ReadHealth health;
  while (health.take_hedge()) {
  }
  int hedges = 0;
  for (int i = 0; i < 2'000; ++i) {
    health.started();
    hedges += health.take_hedge();
  }
  EXPECT_GE(hedges, 99);
  EXPECT_LE(hedges, 100);
}

}  // namespace
}  // namespace firn::volume
