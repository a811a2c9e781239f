#pragma once

#include <string_view>

#include "firn/base/result.h"
#include "firn/config/config.h"
#include "values.h"

namespace firn::config {

/// Whether a word of `drives` is a URL, and so says whose directory it is.
bool names_a_node(std::string_view word);

/// Fills `config.cluster` when nodes are named; the rest of `config` is there already.
Result<> take_cluster(const Values& values, Config& config);

}  // namespace firn::config
