#pragma once

#include <memory>
#include <vector>

#include "core.h"

namespace firn::volume {

/// Client::remove: all drives of the set at once, each making the removal durable.
Task<> remove_extents(std::shared_ptr<Core> core, SetId set, std::vector<ExtentId> extents);

}  // namespace firn::volume
