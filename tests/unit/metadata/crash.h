#pragma once

#include <functional>
#include <map>
#include <string>

#include "test_node.h"

namespace firn::metadata {

/// What a process that ended had been told: key and body of each acknowledged put, empty for a delete.
using Acknowledged = std::map<std::string, std::string>;

/// How the other process ends.
struct CrashPlan {
  std::string point;        ///< A named crash point, or nothing.
  unsigned hit = 1;         ///< At which of its hits.
  unsigned kill_after = 0;  ///< Acknowledgements until it is killed from outside; 0: never.
  unsigned puts_max = 400;  ///< Ends by itself after so many.
  std::uint64_t seed = 0;
  std::function<void(TestNode&, unsigned put)> before_put;  ///< Called in the other process.
};

/// Starts the node in another process, writes and deletes until the process ends, and gives what was acknowledged, laid
/// over `before`. Keys whose last change was not answered are left in `open`: they may be either.
struct CrashOutcome {
  Acknowledged acknowledged;
  Acknowledged open;  ///< Key and the body that the unanswered change would give it.
  bool crashed = false;
};
CrashOutcome crash(TestNode& node, const CrashPlan& plan, const Acknowledged& before);

/// Starts the node in another process and gives the first difference between what it holds and what was acknowledged,
/// or nothing. `outcome.open` is settled by what is there.
std::string what_is_lost(TestNode& node, CrashOutcome& outcome);

}  // namespace firn::metadata
