#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "apply/transaction.h"
#include "rows/key_values.h"

namespace firn::metadata {

/// Whether a read may wait for a drive. On io threads it may not: what is not in memory is then asked again on the
/// blocking pool.
enum class Wait : std::uint8_t { allowed, never };

class RocksStore;

/// The store as a reader sees it: as it is at each read, or one snapshot.
///
/// Threads: one. Must not outlive the store.
class RocksReader final : public Reader {
 public:
  RocksReader(const RocksStore& store, Wait wait) : RocksReader(store, wait, nullptr) {}
  /// All reads from one moment.
  static RocksReader snapshot(const RocksStore& store);
  ~RocksReader() override;
  RocksReader(RocksReader&& other) noexcept;

  Result<bool> get(Family family, std::string_view key, std::string& value) const override;
  std::unique_ptr<Cursor> scan(Family family, std::string_view from, std::string_view to) const override;

  /// A read would have had to wait, or taken too long, and failed: what was computed is to be thrown away.
  bool would_wait() const { return would_wait_; }

 private:
  friend class RocksCursor;
  RocksReader(const RocksStore& store, Wait wait, const rocksdb::Snapshot* snapshot);
  /// Counts what a scan looks at. False once that is more than an io thread has time for.
  bool spend(std::uint64_t steps) const;
  Error too_long() const;
  Error failure(const rocksdb::Status& status) const;

  const RocksStore& store_;
  const rocksdb::Snapshot* snapshot_;
  rocksdb::ReadOptions options_;
  mutable bool would_wait_ = false;
  mutable std::uint64_t steps_left_;
};

/// The metadata state in RocksDB, one column family for each family of rows.
///
/// Threads: any; `commit` from one thread at a time.
/// Durability: none by itself: `commit` goes to memory. A flush makes all that was committed before it durable at once,
/// in every family; `persisted_index` tells up to which entry. Memory: `block_cache_bytes` for what is read,
/// `memtable_bytes` for what is not flushed yet.
class RocksStore {
 public:
  struct Options {
    std::string directory;
    std::shared_ptr<rocksdb::FileSystem> file_system;  ///< Null: the operating system's.
    std::size_t block_cache_bytes = 64 << 20;
    std::size_t memtable_bytes = 64 << 20;
    bool replaceable = false;  ///< `replace` may be called: whoever uses the store must hold what `use` gives.
    /// The range scans of an existence probe cross at most this many removals that were not compacted away.
    std::uint64_t removals_per_flush = 32'768;
  };
  /// Called on RocksDB's threads. Must return soon.
  struct Events {
    std::function<void()> files_changed;  ///< A flush or compaction has ended.
    /// A block could not be verified. Repairs the file from another copy, and says whether it makes sense to try again.
    std::function<bool(const std::string& detail)> heal;
  };

  static Result<std::unique_ptr<RocksStore>> open(Options options, Events events);
  ~RocksStore();
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  /// Writes all changes at once.
  Result<> commit(const Transaction& transaction);

  /// While it is held the state is not replaced. Costs nothing where it never is. Afterwards `is_open` must be asked.
  std::shared_lock<std::shared_mutex> use() const;
  bool is_open() const { return db_ != nullptr; }
  /// Closes the store once nobody uses it, calls `work`, which puts other files in its place, and opens it with those.
  /// After a failure it stays closed.
  Result<> replace(const std::function<Result<>()>& work);
  /// How often it was replaced.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  /// Makes everything committed so far durable.
  Result<> flush();
  /// Begins a flush and does not wait.
  Result<> begin_flush();
  /// The applied index of the state as it is on drives.
  Result<std::uint64_t> persisted_index() const;

  /// A file of the state as it is on drives now.
  struct LiveFile {
    std::string name;
    std::uint64_t bytes = 0;
    std::string xxh3;  ///< Eight raw bytes; empty for what RocksDB keeps no checksum of (CURRENT, MANIFEST, OPTIONS).
    std::string contents;  ///< Set for CURRENT, in place of what the file may hold by now.
  };
  Result<std::vector<LiveFile>> live_files() const;
  /// No file vanishes between the two calls.
  Result<> hold_deletions();
  Result<> resume_deletions();

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(Family family) const { return handles_[static_cast<std::size_t>(family)]; }
  const Events& events() const { return events_; }

 private:
  class Listener;
  RocksStore(Options options, Events events);
  Result<> open();
  void close();
  Result<> count_removals(std::uint64_t removals);

  Options options_;
  Events events_;
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  mutable std::shared_mutex replacing_;
  std::atomic<std::uint64_t> generation_{0};
  std::uint64_t removals_ = 0;  ///< Of current objects since the last flush begun for them.
};

/// RocksDB's failure in our words.
Error rocks_error(const rocksdb::Status& status, std::string_view doing);

}  // namespace firn::metadata
