#pragma once

#include <memory>

#include "core.h"
#include "firn/volume/client.h"

namespace firn::volume {

/// Client::repair. Memory: one stripe at a time, 2(k+m) chunks, outside the admission budget: callers bound how many
/// run.
Task<erasure::ShardMask> repair_extent(std::shared_ptr<Core> core, ExtentPart part, erasure::ShardMask wanted);

/// Client::verify. Memory as repair.
Task<erasure::ShardMask> verify_extent(std::shared_ptr<Core> core, ExtentPart part);

}  // namespace firn::volume
