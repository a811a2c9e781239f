#pragma once

#include <rocksdb/file_system.h>

#include <memory>

#include "store/state_mirror.h"

namespace firn::metadata {

/// Where RocksDB believes its files to be. They are in no directory of that name, but on the mirror's members.
inline constexpr char kMirroredDirectory[] = "/firn-metadata-state";

/// RocksDB's way to the mirror. `mirror` must outlive it and all files it gave out.
std::shared_ptr<rocksdb::FileSystem> make_mirror_file_system(StateMirror& mirror);

}  // namespace firn::metadata
