#pragma once

#include <rocksdb/options.h>

#include <memory>

#include "rows/key_values.h"
#include "store/rocks_store.h"

namespace firn::metadata {

rocksdb::DBOptions rocks_db_options(const RocksStore::Options& options);
/// `cache` is shared by all families.
rocksdb::ColumnFamilyOptions rocks_family_options(Family family, const RocksStore::Options& options,
                                                  const std::shared_ptr<rocksdb::Cache>& cache);
/// The family's name in RocksDB. `config` is RocksDB's default family.
const char* family_name(Family family);

}  // namespace firn::metadata
