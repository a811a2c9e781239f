#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "firn/base/ids.h"
#include "firn/erasure/codec.h"

namespace firn::server {

/// A drive, and how much of all shards it should have.
struct BalanceDrive {
  DriveIndex index;
  std::string domain;
  double weight = 1;     ///< In proportion to how much it should have.
  bool leaving = false;  ///< Is to have none.
};

struct BalanceSet {
  SetId id;
  std::vector<DriveIndex> members;  ///< By shard.
  bool busy = false;                ///< A shard of it moves: no other may.
};

struct PlannedMove {
  SetId set;
  std::uint8_t shard = 0;
  DriveIndex to;
  friend bool operator==(const PlannedMove&, const PlannedMove&) = default;
};

/// Which shards move where so that all drives come to be as full as their weight says, at most `most` of them.
///
/// First those on drives that are to leave; then those of sets with more shards on a domain (or one drive of it) than
/// an even spread has; then from drives with too many to drives with too few, along a chain of drives where no set can
/// do it at once. No move takes a set beyond an even spread over the domains, so never above m shards on one where
/// there are enough domains. Applied one after another they end: each of the last kind makes the sum of squares of what
/// drives have too many smaller. At the end no two drives differ by more than one shard from what they should have.
/// Deterministic for a seed. All sets are of one shape; drives that are out are not among `drives`.
std::vector<PlannedMove> plan_moves(const std::vector<BalanceDrive>& drives, const std::vector<BalanceSet>& sets,
                                    std::uint64_t seed, std::size_t most);

/// How many shards each drive should have, in the order of `drives`: shared out by weight, as far as an even spread of
/// each set over the domains allows.
std::vector<double> fair_shares(const std::vector<BalanceDrive>& drives, std::size_t sets, std::size_t shards);

}  // namespace firn::server
