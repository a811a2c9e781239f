#include "balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "placement.h"

namespace firn::server {
namespace {

constexpr erasure::Shape kShape{4, 2};
using Drives = std::vector<BalanceDrive>;
using Sets = std::vector<BalanceSet>;

void add_node(Drives& drives, unsigned node, unsigned count, double weight = 1) {
  for (unsigned i = 0; i < count; ++i) {
    drives.push_back({DriveIndex{static_cast<std::uint16_t>(drives.size())}, "node-" + std::to_string(node), weight});
  }
}

Drives nodes_with(unsigned nodes, unsigned drives_each) {
  Drives drives;
  for (unsigned node = 1; node <= nodes; ++node) add_node(drives, node, drives_each);
  return drives;
}

Sets placed(const Drives& drives, std::size_t count, std::uint64_t seed) {
  std::vector<PlacementDrive> placement;
  for (const auto& drive : drives) placement.push_back({drive.index, drive.domain});
  Sets sets;
  for (auto& members : place_sets(placement, kShape, count, seed)) {
    sets.push_back({SetId{static_cast<std::uint32_t>(sets.size() + 1)}, std::move(members)});
  }
  return sets;
}

std::size_t most_on_a_domain(const Drives& drives, const BalanceSet& set) {
  std::map<std::string, std::size_t> counts;
  std::size_t most = 0;
  for (const auto member : set.members) most = std::max(most, ++counts[drives[member.value].domain]);
  return most;
}

void apply(Sets& sets, const PlannedMove& move) {
  std::ranges::find(sets, move.set, &BalanceSet::id)->members[move.shard] = move.to;
}

std::vector<double> surpluses(const Drives& drives, const Sets& sets) {
  auto shares = fair_shares(drives, sets.size(), kShape.total());
  std::vector<double> over(drives.size());
  for (std::size_t i = 0; i < drives.size(); ++i) over[i] = -shares[i];
  for (const auto& set : sets) {
    for (const auto member : set.members) ++over[member.value];
  }
  return over;
}

std::size_t shards_on(const Sets& sets, DriveIndex drive) {
  std::size_t count = 0;
  for (const auto& set : sets) count += static_cast<std::size_t>(std::ranges::count(set.members, drive));
  return count;
}

TEST(Balance, AnEvenClusterStaysAsItIs) {
  const auto drives = nodes_with(4, 4);
  EXPECT_TRUE(plan_moves(drives, placed(drives, 64, 1), 1, 1'000).empty());
}

TEST(Balance, TwoNodesMoreThanFourTakeAThirdAndNoMoreMoves) {
  auto drives = nodes_with(4, 2);
  auto sets = placed(drives, 64, 7);
  add_node(drives, 5, 2);
  add_node(drives, 6, 2);
  const auto moves = plan_moves(drives, sets, 7, 10'000);
  EXPECT_LE(moves.size(), 128u + 12u);
  EXPECT_GE(moves.size(), 128u);
  for (const auto& move : moves) apply(sets, move);
  for (const auto& set : sets) EXPECT_EQ(most_on_a_domain(drives, set), 1u);
  for (const auto& drive : drives) EXPECT_NEAR(static_cast<double>(shards_on(sets, drive.index)), 32, 1);
}

TEST(Balance, ADriveTwiceAsLargeGetsTwiceAsMuch) {
  Drives drives;
  for (unsigned node = 1; node <= 12; ++node) add_node(drives, node, 2);
  drives.back().weight = 2;
  auto sets = placed(drives, 128, 3);
  for (const auto& move : plan_moves(drives, sets, 3, 10'000)) apply(sets, move);
  EXPECT_NEAR(static_cast<double>(shards_on(sets, drives.back().index)), 2 * 768.0 / 25, 1);
  EXPECT_NEAR(static_cast<double>(shards_on(sets, drives.front().index)), 768.0 / 25, 1);
}

TEST(Balance, ABusySetIsLeftAlone) {
  auto drives = nodes_with(4, 2);
  auto sets = placed(drives, 64, 7);
  for (auto& set : sets) set.busy = set.id.value % 2 == 0;
  for (auto& drive : drives) drive.leaving = drive.domain == "node-2";
  const auto moves = plan_moves(drives, sets, 7, 10'000);
  EXPECT_FALSE(moves.empty());
  for (const auto& move : moves) EXPECT_EQ(move.set.value % 2, 1u);
}

TEST(Balance, WhereNobodyStaysNothingMoves) {
  auto drives = nodes_with(4, 1);
  const auto sets = placed(drives, 64, 7);
  for (auto& drive : drives) drive.leaving = true;
  EXPECT_TRUE(plan_moves(drives, sets, 7, 10).empty());
}

/// A cluster that grows and shrinks as it likes.
struct Change {
  Drives drives;
  Sets sets;
  unsigned left = 0;  ///< Domains that stay.
};

Change random_change(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto upto = [&random](unsigned least, unsigned most) {
    return least + static_cast<unsigned>(random() % (most - least + 1));
  };
  Change change;
  const unsigned before = upto(3, 9);
  const bool sizes = upto(0, 2) == 0;
  const auto weight = [&] { return sizes ? upto(1, 4) / 2.0 : 1.0; };
  for (unsigned node = 1; node <= before; ++node) add_node(change.drives, node, upto(1, 5), weight());
  change.sets = placed(change.drives, upto(64, 128), seed);
  const unsigned added = upto(0, 4);
  for (unsigned node = before + 1; node <= before + added; ++node) add_node(change.drives, node, upto(1, 5), weight());
  if (upto(0, 3) == 0) add_node(change.drives, upto(1, before), upto(1, 3), weight());  // More drives on one there was.
  change.left = before + added;
  if (change.left > 3 && upto(0, 1) == 0) {
    const std::string leaving = "node-" + std::to_string(upto(1, change.left));
    for (auto& drive : change.drives) drive.leaving = drive.domain == leaving;
    --change.left;
  }
  return change;
}

/// Bounds that hold after each move, and at the end.
void expect_levelled(std::uint64_t seed) {
  auto [drives, sets, left] = random_change(seed);
  const std::size_t spread = (kShape.total() + left - 1) / left;
  const auto before = surpluses(drives, sets);
  double excess = 0;
  for (const double each : before) excess += std::max(0.0, each);
  const auto moves = plan_moves(drives, sets, seed, 100'000);
  for (const auto& move : moves) {
    auto& set = *std::ranges::find(sets, move.set, &BalanceSet::id);
    const std::size_t was = most_on_a_domain(drives, set);
    set.members[move.shard] = move.to;
    ASSERT_LE(most_on_a_domain(drives, set), std::max(was, spread)) << "seed " << seed;
    ASSERT_LE(most_on_a_domain(drives, set), kShape.parity) << "seed " << seed;
    ASSERT_FALSE(drives[move.to.value].leaving) << "seed " << seed;
  }
  const auto after = surpluses(drives, sets);
  for (std::size_t i = 0; i < drives.size(); ++i) {
    if (drives[i].leaving) {
      ASSERT_EQ(shards_on(sets, drives[i].index), 0u) << "seed " << seed;
      continue;
    }
    EXPECT_LE(std::abs(after[i]), 1 + 1e-3) << "drive " << i << ", seed " << seed;
  }
  for (const auto& set : sets) ASSERT_LE(most_on_a_domain(drives, set), spread) << "seed " << seed;
  // Each shard too many moves once; a few go by a drive between, or had to leave a domain that was not too full.
  EXPECT_LE(static_cast<double>(moves.size()), 1.35 * excess + static_cast<double>(drives.size())) << "seed " << seed;
  EXPECT_TRUE(plan_moves(drives, sets, seed, 10).empty()) << "seed " << seed;
}

TEST(Balance, EveryClusterEndsEvenHoweverItGrowsAndShrinks) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    expect_levelled(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace firn::server
