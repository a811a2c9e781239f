#pragma once

#include <string>
#include <vector>

#include "rows/key_values.h"

namespace firn::metadata::query {

/// What a check of the whole state found.
struct CheckReport {
  std::uint64_t rows = 0;
  std::uint64_t objects = 0;
  std::uint64_t parts = 0;
  std::uint64_t problem_count = 0;
  std::vector<std::string> problems;  ///< The first of them.
};

/// Reads every row and compares what says the same thing twice: holders with records and parts, counters with what they
/// count, queues with their markers. `state` must be a snapshot. An error says that it could not be read to the end.
Result<CheckReport> check(const Reader& state);

}  // namespace firn::metadata::query
