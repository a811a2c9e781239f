#include "store/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include "firn/base/checksum.h"
#include "firn/base/log.h"
#include "rows/bytes.h"

namespace firn::metadata {
namespace {

constexpr int kOpenFilesMax = 512;
constexpr std::size_t kManifestBytesMax = 16 << 20;
constexpr std::size_t kCompactionReadBytes = 1 << 20;
constexpr std::size_t kTableBytes = 32 << 20;
constexpr std::size_t kBlockBytes = 8 << 10;
constexpr double kBloomBitsPerKey = 10;
/// Bodies below it are as well off in the tables: a blob costs a second read and an entry of its own.
constexpr std::size_t kBlobBytesMin = 1 << 10;
constexpr std::size_t kBlobFileBytes = 64 << 20;
/// A blob file whose garbage passes this share is rewritten, oldest half first.
constexpr double kBlobGarbageMax = 0.5;
/// A table with that many removals in so many rows is compacted soon, so that scans need not cross them.
constexpr std::size_t kRemovalWindow = 4'096;
constexpr std::size_t kRemovalTrigger = 1'024;

/// XXH3-64 of each file as it is written, kept in the manifest: what copies on several drives are compared with.
class Xxh3Generator final : public rocksdb::FileChecksumGenerator {
 public:
  void Update(const char* data, std::size_t n) override { stream_.update(as_bytes({data, n})); }
  void Finalize() override { append_little(digest_, stream_.digest()); }
  std::string GetChecksum() const override { return digest_; }
  const char* Name() const override { return "firn.xxh3"; }

 private:
  Xxh3Stream stream_;
  std::string digest_;
};

class Xxh3GeneratorFactory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext&) override {
    return std::make_unique<Xxh3Generator>();
  }
  const char* Name() const override { return "firn.xxh3.factory"; }
};

/// RocksDB's own log, of which only warnings are worth a line in ours. It writes no file.
class WarningLogger final : public rocksdb::Logger {
 public:
  WarningLogger() : rocksdb::Logger(rocksdb::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[1024];
    vsnprintf(line, sizeof line, format, arguments);
    // Two that hold deletions at once are nothing to warn of: every look at the live files does.
    if (std::string_view(line).find("File Deletions") != std::string_view::npos) return;
    log::warn("metadata state: {}", line);
  }
};

}  // namespace

const char* family_name(Family family) {
  static constexpr const char* kNames[kFamilies] = {"current",  "uploads", "inline",  "extents",
                                                    "degraded", "freed",   "buckets", "default"};
  return kNames[static_cast<std::size_t>(family)];
}

rocksdb::DBOptions rocks_db_options(const RocksStore::Options& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.atomic_flush = true;
  db.avoid_flush_during_shutdown = true;  // The log has it; `flush` is called where a quick next start is wanted.
  db.db_write_buffer_size = options.memtable_bytes;
  db.max_open_files = kOpenFilesMax;
  db.max_background_jobs = 2;
  db.max_manifest_file_size = kManifestBytesMax;
  db.compaction_readahead_size = kCompactionReadBytes;
  db.file_checksum_gen_factory = std::make_shared<Xxh3GeneratorFactory>();
  db.info_log = std::make_shared<WarningLogger>();
  db.info_log_level = rocksdb::WARN_LEVEL;
  // Nothing that wakes up when nobody asks.
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.skip_stats_update_on_db_open = true;
  db.skip_checking_sst_file_sizes_on_db_open = true;
  db.avoid_unnecessary_blocking_io = true;
  // One writer, and no log to share.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  return db;
}

rocksdb::ColumnFamilyOptions rocks_family_options(Family family, const RocksStore::Options& options,
                                                  const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = kBlockBytes;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.whole_key_filtering = true;
  table.cache_index_and_filter_blocks = true;  // So that the cache bounds them too.
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;

  rocksdb::ColumnFamilyOptions out;
  out.write_buffer_size = options.memtable_bytes;  // What really bounds it is the sum over all families.
  out.max_write_buffer_number = 4;
  out.arena_block_size = 64 << 10;  // Eight families: the default would take 8 MiB when nothing is stored.
  out.target_file_size_base = kTableBytes;
  out.level_compaction_dynamic_level_bytes = true;
  out.compression = family == Family::inline_bodies ? rocksdb::kNoCompression : rocksdb::kLZ4Compression;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  if (family == Family::current || family == Family::extents) {
    out.table_properties_collector_factories.push_back(
        rocksdb::NewCompactOnDeletionCollectorFactory(kRemovalWindow, kRemovalTrigger));
  }
  if (family == Family::inline_bodies) {
    out.enable_blob_files = true;
    out.min_blob_size = kBlobBytesMin;
    out.blob_file_size = kBlobFileBytes;
    out.enable_blob_garbage_collection = true;
    out.blob_garbage_collection_age_cutoff = 0.5;
    out.blob_garbage_collection_force_threshold = kBlobGarbageMax;
    out.blob_cache = cache;
  }
  return out;
}

}  // namespace firn::metadata
