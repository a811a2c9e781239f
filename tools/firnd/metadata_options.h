#pragma once

#include <cstddef>
#include <cstdint>

#include "drive_plan.h"
#include "firn/metadata/node.h"

namespace firn::server {

/// Of how many of its drives a cluster's node may lose the metadata: the other nodes have the rest.
std::uint16_t node_losses(std::size_t drives);

/// How a single machine's metadata lies on the drives of the plan,
metadata::Node::Options machine_metadata(const DrivePlan& plan);
/// and how that of a cluster's node.
metadata::Node::Options node_metadata(const DrivePlan& plan);

}  // namespace firn::server
