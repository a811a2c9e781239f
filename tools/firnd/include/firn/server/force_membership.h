#pragma once

#include <filesystem>
#include <vector>

#include "firn/base/result.h"
#include "firn/metadata/node.h"

namespace firn::server {

/// metadata::Node::force_membership for the node whose drives lie in these directories, all of them. Failures have a
/// message for people.
///
/// Threads: from the main thread, with no runtime of its own yet.
Result<metadata::Node::ForcedMembership> force_membership(const std::vector<std::filesystem::path>& drives, bool force);

}  // namespace firn::server
