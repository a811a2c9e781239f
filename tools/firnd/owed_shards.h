#pragma once

#include <string>

#include "firn/base/result.h"
#include "firn/metadata/client.h"

namespace firn::server {

/// Records every shard that `drive` should hold, by `map`, as missing. A replacement is out until this is done, so that
/// the count of objects below full redundancy is never too low; from then on it is in, and repair works the list off.
/// Walks extents, not keys; may be repeated after a crash.
Task<> record_owed_shards(metadata::Client& metadata, const metadata::MapRecord& map, DriveIndex drive);

/// The configuration entry that says which replacement still owes that list; its value is the drive's uuid.
std::string replacement_entry(DriveIndex drive);

}  // namespace firn::server
