#pragma once

#include <filesystem>
#include <functional>

#include "firn/base/clock.h"
#include "firn/metadata/model.h"
#include "store/rocks_store.h"

namespace firn::metadata {

/// Backup files: docs/formats/metadata-keys.md.

/// Writes all rows to a new file, synced. Errc::already_exists when there is one of that name.
Result<> write_backup(const Reader& state, const std::filesystem::path& file);

/// Fills an empty store from a backup, and moves its counters out of reach of what was given out since. Errc::corrupt.
/// `now` is the time of the restore: later ones give out later numbers. `change_map`, if any, gets the map that is then
/// recorded.
Result<> read_backup(RocksStore& store, const std::filesystem::path& file, UnixMs now,
                     const std::function<void(MapRecord&)>& change_map = {});

/// The cluster map in a backup that was read to its end and is sound. Errc::corrupt, not_found.
Result<MapRecord> read_backup_map(const std::filesystem::path& file);

}  // namespace firn::metadata
