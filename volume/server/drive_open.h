#pragma once

#include <memory>
#include <string>

#include "firn/volume/drive.h"
#include "shard/index.h"

namespace firn::volume {

/// Drive::open, with a say in where the index lives: tests keep it in memory.
Task<std::shared_ptr<Drive>> open_drive(Runtime& runtime, Disk& disk, std::string directory, Drive::Options options,
                                        Index::Options index_options);

}  // namespace firn::volume
