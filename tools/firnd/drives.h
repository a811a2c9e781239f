#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "drive_plan.h"
#include "firn/base/runtime.h"
#include "firn/volume/disk.h"
#include "firn/volume/drive.h"

namespace firn::server {

/// Looks at every directory at once; changes nothing.
boost::asio::awaitable<std::vector<FoundDirectory>> look_at_drives(Runtime& runtime, volume::Disk& disk,
                                                                   const std::vector<std::filesystem::path>& paths);

/// Formats what the plan says, and fills in the cluster's id at a first start. Formatted places become `open`.
/// `formatted` lists them.
Task<std::vector<DriveIndex>> format_drives(Runtime& runtime, volume::Disk& disk, DrivePlan& plan);

using Drives = std::map<DriveIndex, std::shared_ptr<volume::Drive>>;

/// Opens every place that is to be opened, all at once. One that can't be opened is left out and said in the log, but
/// for two causes that end the start: another process has the drive, or a newer Firn wrote it.
Task<Drives> open_drives(Runtime& runtime, volume::Disk& disk, DrivePlan& plan, volume::Drive::Options options);

}  // namespace firn::server
