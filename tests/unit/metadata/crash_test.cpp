#include <gtest/gtest.h>

#include <random>

#include "crash.h"

namespace firn::metadata {
namespace {

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* given = std::getenv("FIRN_TEST_SEED");
    return given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  }();
  return value;
}

/// After each crash the node starts and holds exactly what was acknowledged.
void expect_survives(TestNode& node, const CrashPlan& plan, CrashOutcome& outcome) {
  SCOPED_TRACE("seed " + std::to_string(plan.seed) + " (FIRN_TEST_SEED repeats it), point " + plan.point);
  outcome = crash(node, plan, outcome.acknowledged);
  EXPECT_EQ(what_is_lost(node, outcome), "");
}

TEST(Crash, LosesNothingAcknowledgedWhenKilledAgainAndAgain) {
  TestNode node(6, 2);
  CrashOutcome outcome;
  std::mt19937_64 random(seed());
  for (int i = 0; i < 12 && !testing::Test::HasFailure(); ++i) {
    expect_survives(node, {.kill_after = static_cast<unsigned>(1 + random() % 150), .seed = random()}, outcome);
  }
}

class CrashPoint : public testing::TestWithParam<const char*> {};

TEST_P(CrashPoint, LosesNothingAcknowledged) {
  TestNode node(6, 2);
  node.options.log_file_bytes = 256 << 10;
  node.options.log_kept_bytes_max = 512 << 10;
  CrashOutcome outcome;
  std::mt19937_64 random(seed());
  unsigned crashes = 0;
  for (unsigned hit : {1U, 2U, 7U, 40U}) {
    CrashPlan plan{.point = GetParam(), .hit = hit, .seed = random()};
    // Some points are only passed when drives go and come.
    plan.before_put = [](TestNode& running, unsigned put) {
      if (put == 20) running.node().drive_failed(running.node().status().members.front());
      if (put % 60 == 59) {
        for (std::uint16_t i = 0; i < 6; ++i) running.node().drive_returned(DriveIndex{i}, running.drive(i));
      }
    };
    expect_survives(node, plan, outcome);
    crashes += outcome.crashed ? 1 : 0;
  }
  EXPECT_GT(crashes, 0u) << "the point was never passed";
}

INSTANTIATE_TEST_SUITE_P(Points, CrashPoint,
                         testing::Values("log written", "log synced on a member", "log synced", "applied",
                                         "log set record", "start: before the record", "start: recorded",
                                         "state renamed on a member", "state synced on a member", "state read back",
                                         "log dropped", "join: state copied", "join: before CURRENT",
                                         "join: log copied", "join: member recorded"),
                         [](const auto& point) {
                           std::string name = point.param;
                           std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
                           return name;
                         });

TEST(Crash, KeepsEverythingWithAnyTwoOfSixDrivesGone) {
  TestNode node(6, 2);
  CrashOutcome outcome = crash(node, {.kill_after = 200, .seed = seed()}, {});
  for (std::uint16_t a = 0; a < 6; ++a) {
    for (std::uint16_t b = static_cast<std::uint16_t>(a + 1); b < 6; ++b) {
      SCOPED_TRACE("without drives " + std::to_string(a) + " and " + std::to_string(b));
      TestNode copy(6, 2);
      for (std::uint16_t i = 0; i < 6; ++i) {
        std::filesystem::remove_all(copy.drive(i));
        if (i != a && i != b)
          std::filesystem::copy(node.drive(i), copy.drive(i), std::filesystem::copy_options::recursive);
      }
      CrashOutcome expected = outcome;
      ASSERT_EQ(what_is_lost(copy, expected), "");
    }
  }
}

}  // namespace
}  // namespace firn::metadata
