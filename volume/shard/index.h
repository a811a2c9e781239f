#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firn/base/result.h"
#include "shard/index_format.h"

namespace rocksdb {
class DB;
class Env;
class WriteBatch;
}  // namespace rocksdb

namespace firn::volume {

/// Changes that reach the index together, or not at all.
class IndexBatch {
 public:
  IndexBatch();
  ~IndexBatch();
  IndexBatch(IndexBatch&&) noexcept;
  IndexBatch& operator=(IndexBatch&&) noexcept;
  void put(const RecordKey& key, const RecordRow& row);
  void remove(const RecordKey& key);
  void put(SegmentId segment, const SegmentRow& row);
  void put(const IndexRow& row);
  void put(const RecoveredRow& row);
  void remove_recovered();

 private:
  friend class Index;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
};

/// Where the records of one drive are: a RocksDB without a log of its own.
///
/// Threads: any; calls marked "may block" belong on the blocking pool.
/// Durability: what was written before `flush` began survives it. Everything can be found again in the segments.
/// Memory: a 4 MiB write buffer (more while one is flushed) and a share of one block cache for all drives of the
/// process.
class Index {
 public:
  struct Options {
    std::string directory;
    rocksdb::Env* env = nullptr;  ///< Tests keep the index in memory. Null: the machine's files.
  };

  /// May block. Errc::corrupt when it can't be used: rebuild it.
  static Result<std::unique_ptr<Index>> open(const Options& options);
  /// Removes all of it; may block.
  static Result<> destroy(const Options& options);
  ~Index();

  /// Nothing: the answer needs a disk; ask `find_blocking`. Errc::not_found when there is no such record.
  std::optional<Result<RecordRow>> find_cached(const RecordKey& key);
  Result<RecordRow> find_blocking(const RecordKey& key);

  /// False: it would wait for a flush or for space; the batch was not written, call `write_blocking`.
  Result<bool> write_at_once(IndexBatch& batch);
  Result<> write_blocking(IndexBatch& batch);
  /// May block: everything written before is durable when it returns.
  Result<> flush();
  /// Starts a flush and returns.
  void flush_soon();

  /// May block. Rows in key order from `from` on (inclusive), until `visit` answers false.
  struct Row {
    RecordKey key;
    RecordRow row;
  };
  Result<> each_record(const RecordKey& from, const std::function<bool(const Row&)>& visit);
  Result<std::vector<Row>> records_of(const ExtentId& extent);
  Result<> each_segment(const std::function<void(SegmentId, const SegmentRow&)>& visit);
  /// Errc::not_found.
  Result<IndexRow> head();
  /// Errc::not_found.
  Result<RecoveredRow> recovered();

 private:
  Index() = default;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace firn::volume
