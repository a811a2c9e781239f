#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "balance.h"
#include "firn/base/result.h"
#include "firn/metadata/model.h"

namespace firn::server {

/// What a cluster is to do next so that its drives become as full as each other, and those that leave become empty.
/// Pure: the node that leads asks again after each change of the map, so whoever leads next goes on.
struct GrowthStep {
  std::vector<PlannedMove> begin;    ///< From drives that are in.
  std::vector<PlannedMove> give_up;  ///< From drives that leave and are out: their shards are rebuilt elsewhere.
  std::size_t add_sets = 0;
};
/// Waits while a drive that is to stay is out, or its node about to stop: it should come back to what it had.
GrowthStep next_growth_step(const metadata::MapRecord& map);

/// How far it is.
struct GrowthProgress {
  std::size_t moving = 0;   ///< Shards of sets under way.
  std::size_t waiting = 0;  ///< That will move after these, as far as it is known now.
  /// Sets of which more shards lie on one node than may be lost: what is in them is gone with it.
  std::size_t sets_on_a_node = 0;
  /// Of the drive: shards of sets that have yet to go from it, or to come.
  std::map<DriveIndex, std::size_t> to_go, to_come;
};
GrowthProgress growth_progress(const metadata::MapRecord& map);

/// Errc::invalid_request with a message for people when too little would be left without these drives.
Result<> check_leaving(const metadata::MapRecord& map, const std::vector<DriveIndex>& leaving);

}  // namespace firn::server
