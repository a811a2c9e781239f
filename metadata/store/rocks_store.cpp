#include "store/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/metadata.h>

#include <limits>

#include "firn/base/log.h"
#include "rows/keys.h"
#include "rows/rows.h"
#include "rows/seal.h"
#include "rows/try.h"
#include "store/rocks_options.h"

namespace firn::metadata {

Error rocks_error(const rocksdb::Status& status, std::string_view doing) {
  const std::string detail = "metadata state, " + std::string(doing) + ": " + status.ToString();
  if (status.IsCorruption()) return error(Errc::corrupt, detail);
  if (status.IsNoSpace()) return error(Errc::insufficient_storage, detail);
  if (status.IsShutdownInProgress()) return error(Errc::cancelled, detail);
  return error(Errc::io_error, detail);
}

/// What RocksDB tells us from its own threads.
class RocksStore::Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(const Events& events) : events_(events) {}

  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo&) override { changed(); }
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override { changed(); }
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* failure) override {
    log::error("metadata state: {}", failure->ToString());
    // A compaction that met a bad block need not stop the store when another copy of the file is good.
    if (failure->IsCorruption() && events_.heal && events_.heal(failure->ToString())) *failure = rocksdb::Status::OK();
  }

 private:
  void changed() {
    if (events_.files_changed) events_.files_changed();
  }
  const Events& events_;
};

RocksStore::RocksStore(Options options, Events events) : options_(std::move(options)), events_(std::move(events)) {}

RocksStore::~RocksStore() { close(); }

void RocksStore::close() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) (void)db_->DestroyColumnFamilyHandle(handle);
  handles_.clear();
  (void)db_->Close();
  db_.reset();
}

std::shared_lock<std::shared_mutex> RocksStore::use() const {
  return options_.replaceable ? std::shared_lock(replacing_) : std::shared_lock<std::shared_mutex>();
}

Result<> RocksStore::replace(const std::function<Result<>()>& work) {
  FIRN_ASSERT(options_.replaceable);
  const std::unique_lock alone(replacing_);
  close();
  generation_.fetch_add(1, std::memory_order_acq_rel);
  removals_ = 0;
  TRY(work());
  return open();
}

Result<std::unique_ptr<RocksStore>> RocksStore::open(Options options, Events events) {
  std::unique_ptr<RocksStore> store(new RocksStore(std::move(options), std::move(events)));
  TRY(store->open());
  return store;
}

Result<> RocksStore::open() {
  rocksdb::DBOptions db_options = rocks_db_options(options_);
  if (options_.file_system) {
    env_ = rocksdb::NewCompositeEnv(options_.file_system);
    db_options.env = env_.get();
  }
  listener_ = std::make_shared<Listener>(events_);
  db_options.listeners.push_back(listener_);
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options_.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    families.emplace_back(family_name(family), rocks_family_options(family, options_, cache));
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(db_options, options_.directory, families, &handles_, &db);
  db_.reset(db);
  return status.ok() ? Result<>() : rocks_error(status, "open");
}

Result<> RocksStore::commit(const Transaction& transaction) {
  rocksdb::WriteBatch batch;
  std::uint64_t removals = 0;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    for (const auto& [key, value] : transaction.changes()[i]) {
      rocksdb::Status status = value ? batch.Put(handles_[i], key, *value) : batch.Delete(handles_[i], key);
      if (!status.ok()) return rocks_error(status, "batch");
      if (!value && static_cast<Family>(i) == Family::current) ++removals;
    }
  }
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  const rocksdb::Status status = db_->Write(write, &batch);
  if (!status.ok()) return rocks_error(status, "write");
  return count_removals(removals);
}

Result<> RocksStore::count_removals(std::uint64_t removals) {
  removals_ += removals;
  if (removals_ < options_.removals_per_flush) return {};
  // Removals in memory are crossed one by one by every scan. Flushed, they are merged away with what they remove.
  removals_ = 0;
  return begin_flush();
}

Result<> RocksStore::flush() {
  rocksdb::FlushOptions options;
  options.wait = true;
  const rocksdb::Status status = db_->Flush(options, handles_);
  return status.ok() ? Result<>() : rocks_error(status, "flush");
}

Result<> RocksStore::begin_flush() {
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  const rocksdb::Status status = db_->Flush(options, handles_);
  return status.ok() ? Result<>() : rocks_error(status, "flush");
}

Result<std::uint64_t> RocksStore::persisted_index() const {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kPersistedTier;
  const std::string key = keys::progress();
  std::string value;
  const rocksdb::Status status = db_->Get(options, handle(Family::config), key, &value);
  if (status.IsNotFound()) return std::uint64_t{0};
  if (!status.ok()) return rocks_error(status, "read");
  TRY_LET(const std::string_view payload, unseal(Family::config, key, value));
  TRY_LET(const Progress progress, decode_progress(payload));
  return progress.applied_index;
}

Result<std::vector<RocksStore::LiveFile>> RocksStore::live_files() const {
  rocksdb::LiveFilesStorageInfoOptions options;
  options.include_checksum_info = true;
  options.wal_size_for_flush = std::numeric_limits<std::uint64_t>::max();
  std::vector<rocksdb::LiveFileStorageInfo> infos;
  const rocksdb::Status status = db_->GetLiveFilesStorageInfo(options, &infos);
  if (!status.ok()) return rocks_error(status, "live files");
  std::vector<LiveFile> files;
  for (rocksdb::LiveFileStorageInfo& info : infos) {
    if (info.file_type == rocksdb::kWalFile) continue;  // Empty: our log stands for it.
    const bool checksummed = info.file_type == rocksdb::kTableFile || info.file_type == rocksdb::kBlobFile;
    files.push_back({.name = std::move(info.relative_filename),
                     .bytes = info.size,
                     .xxh3 = checksummed ? std::move(info.file_checksum) : std::string(),
                     .contents = std::move(info.replacement_contents)});
  }
  return files;
}

Result<> RocksStore::hold_deletions() {
  const rocksdb::Status status = db_->DisableFileDeletions();
  return status.ok() ? Result<>() : rocks_error(status, "hold deletions");
}

Result<> RocksStore::resume_deletions() {
  const rocksdb::Status status = db_->EnableFileDeletions(false);
  return status.ok() ? Result<>() : rocks_error(status, "resume deletions");
}

}  // namespace firn::metadata
