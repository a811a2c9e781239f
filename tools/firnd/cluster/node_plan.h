#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drive_plan.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/erasure/codec.h"

namespace firn::server {

/// What the directories of a cluster's node say, taken together.
struct NodeSurvey {
  Uuid cluster;                    ///< Zero when none is a drive.
  std::uint16_t drives_total = 0;  ///< Of the cluster when it began.
  std::optional<erasure::Shape> shape;
  bool begun = false;  ///< Metadata has been here.
  bool has_records = false;
};

/// Errc::invalid_argument with a message for people when a directory holds something else, two belong to different
/// clusters, or one stands for a drive twice.
Result<NodeSurvey> survey_drives(const std::vector<FoundDirectory>& found, std::optional<erasure::Shape> asked);

/// Which directory is which drive, where `own` are this node's drives: those that are formatted say so themselves, the
/// others take what is left, in their order. Those that are empty are to be formatted.
Result<DrivePlan> plan_node(const std::vector<FoundDirectory>& found, const NodeSurvey& survey,
                            const std::vector<DriveIndex>& own);

/// This node's drives as its formatted ones show them. What is not formatted has its number by the order of the
/// directories, where they are numbered one after another; an Error when that is not how they are: drives can't be
/// replaced then before the cluster was heard.
Result<std::vector<DriveIndex>> own_drives(const std::vector<FoundDirectory>& found);

}  // namespace firn::server
