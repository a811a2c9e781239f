#include "simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <optional>

#include "rows/key_values.h"
#include "world.h"

// FIRN_SIMULATION_SEED is the first seed (1), FIRN_SIMULATION_SEEDS how many are run, FIRN_SIMULATION_LOG a log level;
// FIRN_SIMULATION_STOPS=0 leaves planned stops out.
namespace firn::simulation {
namespace {

/// Some fifteen seconds of a core in all.
constexpr std::uint64_t kSeedsInTests = 60;
constexpr std::uint64_t kGrowingSeedsInTests = 2;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// One run, in a world of its own time.
Outcome run(World& world, Scenario scenario) { return world.run(simulate(world.runtime(), std::move(scenario))); }

std::string told(std::uint64_t seed, const Outcome& outcome) {
  std::string text = "seed " + std::to_string(seed) + ": " + std::to_string(outcome.acknowledged) + " of " +
                     std::to_string(outcome.operations) + " operations acknowledged, " +
                     std::to_string(outcome.entries) + " entries, " + std::to_string(outcome.faults) + " faults, " +
                     std::to_string(outcome.removed) + " removals, " + std::to_string(outcome.grown) +
                     " changes of what there is, " + std::to_string(outcome.moved) + " moves (" +
                     std::to_string(outcome.given_up) + " given up), " + std::to_string(outcome.events) +
                     " events in " + std::to_string(static_cast<int>(outcome.seconds)) + " s";
  for (const auto& line : outcome.wrong) text += "\n  " + line;
  return text;
}

/// The first of these seeds by which a run goes wrong.
std::optional<std::uint64_t> first_that_fails(World& world, Scenario scenario, std::uint64_t seeds) {
  for (scenario.seed = 1; scenario.seed <= seeds; ++scenario.seed) {
    const Outcome outcome = run(world, scenario);
    if (outcome.wrong.empty()) continue;
    std::cout << told(scenario.seed, outcome) << "\n";
    return scenario.seed;
  }
  return std::nullopt;
}

/// From FIRN_SIMULATION_SEED on, FIRN_SIMULATION_SEEDS of them, or `otherwise` many.
void run_seeds(Scenario scenario, std::uint64_t otherwise) {
  World world;
  const std::uint64_t first = number_from("FIRN_SIMULATION_SEED", 1);
  const std::uint64_t seeds = number_from("FIRN_SIMULATION_SEEDS", otherwise);
  scenario.stops = number_from("FIRN_SIMULATION_STOPS", 1) != 0;
  Outcome total;
  for (scenario.seed = first; scenario.seed < first + seeds; ++scenario.seed) {
    const Outcome outcome = run(world, scenario);
    EXPECT_TRUE(outcome.wrong.empty()) << told(scenario.seed, outcome);
    if (seeds == 1) std::cout << told(scenario.seed, outcome) << "\n";
    total.acknowledged += outcome.acknowledged;
    total.operations += outcome.operations;
    total.entries += outcome.entries;
    total.faults += outcome.faults;
    total.removed += outcome.removed;
    total.grown += outcome.grown;
    total.moved += outcome.moved;
    total.given_up += outcome.given_up;
    total.events += outcome.events;
    total.seconds += outcome.seconds;
  }
  std::cout << "from " << told(first, total) << "\n";
  // Otherwise nothing was tried.
  EXPECT_GT(total.acknowledged, total.operations / 4);
  EXPECT_TRUE(seeds != otherwise || (total.moved > 0) == scenario.moves);
}

TEST(Simulation, KeepsEveryPromiseUnderFaults) { run_seeds({}, kSeedsInTests); }

TEST(Simulation, KeepsEveryPromiseWhileItGrowsAndShrinks) { run_seeds({.moves = true}, kGrowingSeedsInTests); }

/// Repair once took for good what was on a drive unsynced; a drive that came in while extents were reclaimed was not
/// told when telling it failed, or when whoever was to tell it died.
TEST(Simulation, KeepsEveryPromiseWhereItOnceDidNot) {
  World world;
  for (const std::uint64_t seed : {128, 175, 276}) {
    const Outcome outcome = run(world, {.seed = seed, .stops = false});
    EXPECT_TRUE(outcome.wrong.empty()) << told(seed, outcome);
  }
  for (const std::uint64_t seed : {173, 332, 500, 705}) {
    const Outcome outcome = run(world, {.seed = seed});
    EXPECT_TRUE(outcome.wrong.empty()) << told(seed, outcome);
  }
}

TEST(Simulation, ReplaysASeedExactly) {
  World world;
  const std::uint64_t seed = number_from("FIRN_SIMULATION_SEED", 7);
  const Outcome once = run(world, {.seed = seed, .moves = true});
  const Outcome again = run(world, {.seed = seed, .moves = true});
  EXPECT_EQ(once.trace, again.trace);
  EXPECT_EQ(once.events, again.events);
  EXPECT_GT(once.events, 1'000U);
  EXPECT_NE(once.trace, run(world, {.seed = seed + 1}).trace);
}

TEST(Simulation, FindsDrivesWhoseSyncsAreLies) {
  World world;
  EXPECT_TRUE(first_that_fails(world, {.drives_lie = true}, 30));
}

TEST(Simulation, FindsThatMissingShardsAreNotRecorded) {
  World world;
  const auto forget = [](metadata::MapState& state) { state.rows(metadata::Family::degraded).clear(); };
  EXPECT_TRUE(first_that_fails(world, {.sabotage = forget}, 30));
}

TEST(Simulation, FindsThatHoldersAreForgotten) {
  World world;
  const auto forget = [](metadata::MapState& state) {
    auto& rows = state.rows(metadata::Family::extents);
    if (!rows.empty()) rows.erase(rows.begin());
  };
  EXPECT_TRUE(first_that_fails(world, {.sabotage = forget}, 30));
}

}  // namespace
}  // namespace firn::simulation
