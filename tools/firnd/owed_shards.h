#pragma once

#include <map>
#include <string>
#include <vector>

#include "firn/base/result.h"
#include "firn/metadata/client.h"
#include "firn/volume/record.h"

namespace firn::server {

/// Records every shard that `drive` should hold, by `map`, as missing. A replacement is out until this is done, so that
/// the count of objects below full redundancy is never too low; from then on it is in, and repair works the list off.
/// Walks extents, not keys; may be repeated after a crash.
Task<> record_owed_shards(metadata::Client& metadata, const metadata::MapRecord& map, DriveIndex drive);

/// The same of one shard of one set: its drive does not come back.
Task<> record_owed_shard(metadata::Client& metadata, SetId set, std::uint8_t shard);

/// The same of one record, found damaged: repair makes it anew from the other shards.
Task<> record_owed_record(metadata::Client& metadata, SetId set, const volume::RecordKey& record);

/// What became, by the map, of drives that are there at a start.
struct FoundDrives {
  std::vector<DriveIndex> returned;      ///< Recorded as out.
  std::vector<DriveIndex> replacements;  ///< Took another's place, now or in a start that did not get to the end of it.
};
/// Compares `found` with the map. What a drive was not told while it was away is noted for the orphan sweep, and of a
/// replacement that it owes what it should hold.
Task<FoundDrives> note_found_drives(metadata::Client& metadata, const metadata::MapRecord& map,
                                    const std::map<DriveIndex, Uuid>& found);

/// Whether the drive, which the map has, is a replacement whose list was not recorded to its end.
Task<bool> owes_its_list(metadata::Client& metadata, const metadata::DriveRecord& drive);

/// Does what a replacement owes before it may be put in: see record_owed_shards. Not forgotten before it is done.
Task<> settle_replacement(metadata::Client& metadata, DriveIndex drive);

/// The configuration entry that says which replacement still owes that list; its value is the drive's uuid.
std::string replacement_entry(DriveIndex drive);

}  // namespace firn::server
