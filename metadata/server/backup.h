#pragma once

#include <filesystem>

#include "store/rocks_store.h"

namespace firn::metadata {

/// Backup files: docs/formats/metadata-keys.md.

/// Writes all rows to a new file, synced. Errc::already_exists when there is one of that name.
Result<> write_backup(const Reader& state, const std::filesystem::path& file);

/// Fills an empty store from a backup, and moves its counters out of reach of what was given out since. Errc::corrupt.
Result<> read_backup(RocksStore& store, const std::filesystem::path& file);

}  // namespace firn::metadata
