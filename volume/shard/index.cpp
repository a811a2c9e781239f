#include "shard/index.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "firn/base/log.h"

namespace firn::volume {
namespace {

/// Some 40,000 records. With the flush after 64 MiB of appends it rarely fills.
constexpr std::size_t kWriteBufferBytes = 4U << 20;
/// Room for write buffers that wait for a slow drive before writers must.
constexpr int kWriteBuffersMax = 6;
/// Shared by all drives of the process: the blocks of some 10^5 records that are read again and again.
constexpr std::size_t kBlockCacheBytes = 16U << 20;
/// A table file is opened again when needed; each open one holds its filter and block index in memory.
constexpr int kOpenFilesMax = 64;
/// One record in a hundred that is not there costs a read.
constexpr double kFilterBitsPerKey = 10;

/// RocksDB's own messages: its warnings go to our log, the rest nowhere, so a drive holds no second log.
class QuietLogger final : public rocksdb::Logger {
 public:
  QuietLogger() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level == rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);  // NOLINT(clang-diagnostic-format-nonliteral)
    log::warn("drive index: {}", text);
  }
  void Logv(const char*, va_list) override {}
};

std::shared_ptr<rocksdb::Cache> shared_block_cache() {
  static const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  return cache;
}

rocksdb::Options make_options(const Index::Options& options) {
  rocksdb::Options made;
  if (options.env != nullptr) made.env = options.env;
  made.create_if_missing = true;
  made.info_log = std::make_shared<QuietLogger>();
  made.write_buffer_size = kWriteBufferBytes;
  made.max_write_buffer_number = kWriteBuffersMax;
  made.max_open_files = kOpenFilesMax;
  made.max_background_jobs = 2;
  // A crash must look the same as a stop: only flush() makes rows durable.
  made.avoid_flush_during_shutdown = true;
  // Nothing of ours runs when nothing is asked.
  made.stats_dump_period_sec = 0;
  made.stats_persist_period_sec = 0;
  // A start need not read every table file.
  made.skip_stats_update_on_db_open = true;
  made.skip_checking_sst_file_sizes_on_db_open = true;
  made.max_file_opening_threads = 1;
  made.compression = rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = shared_block_cache();
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  made.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return made;
}

Error failure(const rocksdb::Status& status, const char* what) {
  Errc code = Errc::io_error;
  if (status.IsCorruption() || status.IsInvalidArgument() || status.IsNotSupported()) code = Errc::corrupt;
  if (status.IsNotFound()) code = Errc::not_found;
  if (status.IsNoSpace()) code = Errc::drive_full;
  return error(code, std::string("drive index: ") + what + ": " + status.ToString());
}

rocksdb::WriteOptions write_options(bool at_once) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  options.no_slowdown = at_once;
  return options;
}

}  // namespace

IndexBatch::IndexBatch() : batch_(std::make_unique<rocksdb::WriteBatch>()) {}
IndexBatch::~IndexBatch() = default;
IndexBatch::IndexBatch(IndexBatch&&) noexcept = default;
IndexBatch& IndexBatch::operator=(IndexBatch&&) noexcept = default;

// A WriteBatch grows in memory only, so these statuses can't fail short of an allocation that throws.
void IndexBatch::put(const RecordKey& key, const RecordRow& row) { (void)batch_->Put(record_key(key), make_row(row)); }
void IndexBatch::remove(const RecordKey& key) { (void)batch_->Delete(record_key(key)); }
void IndexBatch::put(SegmentId segment, const SegmentRow& row) {
  (void)batch_->Put(segment_key(segment), make_row(row));
}
void IndexBatch::put(const IndexRow& row) { (void)batch_->Put(index_key(), make_row(row)); }
void IndexBatch::put(const RecoveredRow& row) { (void)batch_->Put(recovered_key(), make_row(row)); }
void IndexBatch::remove_recovered() { (void)batch_->Delete(recovered_key()); }

Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::open(const Options& options) {
  const rocksdb::Options made = make_options(options);
  rocksdb::Status status = made.env->CreateDirIfMissing(options.directory);
  if (!status.ok()) return failure(status, "make its directory");
  rocksdb::DB* opened = nullptr;
  status = rocksdb::DB::Open(made, options.directory, &opened);
  if (!status.ok()) return failure(status, "open");
  std::unique_ptr<Index> index(new Index);
  index->db_.reset(opened);
  return index;
}

Result<> Index::destroy(const Options& options) {
  const rocksdb::Status status = rocksdb::DestroyDB(options.directory, make_options(options));
  if (!status.ok()) return failure(status, "destroy");
  return {};
}

std::optional<Result<RecordRow>> Index::find_cached(const RecordKey& key) {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kBlockCacheTier;
  rocksdb::PinnableSlice row;
  const rocksdb::Status status = db_->Get(options, db_->DefaultColumnFamily(), record_key(key), &row);
  if (status.IsIncomplete()) return std::nullopt;
  if (!status.ok()) return Result<RecordRow>(failure(status, "find"));
  return parse_record_row(row.ToStringView());
}

Result<RecordRow> Index::find_blocking(const RecordKey& key) {
  rocksdb::PinnableSlice row;
  const rocksdb::Status status = db_->Get({}, db_->DefaultColumnFamily(), record_key(key), &row);
  if (!status.ok()) return failure(status, "find");
  return parse_record_row(row.ToStringView());
}

Result<bool> Index::write_at_once(IndexBatch& batch) {
  const rocksdb::Status status = db_->Write(write_options(true), batch.batch_.get());
  if (status.IsIncomplete() || status.IsNoSpace()) return false;
  if (!status.ok()) return failure(status, "write");
  return true;
}

Result<> Index::write_blocking(IndexBatch& batch) {
  rocksdb::Status status = db_->Write(write_options(false), batch.batch_.get());
  // After a flush that found no space RocksDB takes no writes until it is told to try again.
  if (status.IsNoSpace() && db_->Resume().ok()) status = db_->Write(write_options(false), batch.batch_.get());
  if (!status.ok()) return failure(status, "write");
  return {};
}

Result<> Index::flush() {
  rocksdb::FlushOptions options;
  options.allow_write_stall = true;
  rocksdb::Status status = db_->Flush(options);
  if (status.IsNoSpace() && db_->Resume().ok()) status = db_->Flush(options);
  if (!status.ok()) return failure(status, "flush");
  return {};
}

void Index::flush_soon() {
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  const rocksdb::Status status = db_->Flush(options);
  if (!status.ok() && !status.IsTryAgain()) log::warn("{}", failure(status, "flush").detail);
}

Result<> Index::each_record(const RecordKey& from, const std::function<bool(const Row&)>& visit) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  for (at->Seek(record_key(from)); at->Valid(); at->Next()) {
    Row found;
    if (!parse_record_key(at->key().ToStringView(), found.key)) break;  // Past the last record: another kind of row.
    auto row = parse_record_row(at->value().ToStringView());
    if (!row) return std::move(row).error();
    found.row = *row;
    if (!visit(found)) return {};
  }
  if (!at->status().ok()) return failure(at->status(), "list");
  return {};
}

Result<std::vector<Index::Row>> Index::records_of(const ExtentId& extent) {
  std::vector<Row> rows;
  auto listed = each_record(RecordKey{extent, 0, 0}, [&rows, &extent](const Row& row) {
    if (row.key.extent != extent) return false;
    rows.push_back(row);
    return true;
  });
  if (!listed) return std::move(listed).error();
  return rows;
}

Result<> Index::each_segment(const std::function<void(SegmentId, const SegmentRow&)>& visit) {
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
  for (at->Seek(segment_key(SegmentId{0})); at->Valid(); at->Next()) {
    SegmentId segment;
    if (!parse_segment_key(at->key().ToStringView(), segment)) break;
    auto row = parse_segment_row(at->value().ToStringView());
    if (!row) return std::move(row).error();
    visit(segment, *row);
  }
  if (!at->status().ok()) return failure(at->status(), "list segments");
  return {};
}

Result<IndexRow> Index::head() {
  std::string row;
  const rocksdb::Status status = db_->Get({}, index_key(), &row);
  if (!status.ok()) return failure(status, "head");
  return parse_index_row(row);
}

Result<RecoveredRow> Index::recovered() {
  std::string row;
  const rocksdb::Status status = db_->Get({}, recovered_key(), &row);
  if (!status.ok()) return failure(status, "what came back");
  return parse_recovered_row(row);
}

}  // namespace firn::volume
