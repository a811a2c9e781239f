#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include "firn/base/log.h"
#include "store/rocks_store.h"

namespace firn::metadata {
namespace {

/// What the scans of one read on an io thread may look at: a page of 1,000 rows and the one that tells of another page;
/// some 0.6 ms, less than it takes to write that page out as XML.
constexpr std::uint64_t kStepsMax = 1'024;
/// A seek costs as much as some eight rows.
constexpr std::uint64_t kStepsOfSeek = 8;
/// At most this many removed rows are crossed to get to the next one, so that they are few beside the steps.
constexpr std::uint64_t kRemovedRowsMax = 16;
/// As many as there are copies of a file, about.
constexpr int kAttempts = 4;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }

}  // namespace

RocksReader::RocksReader(const RocksStore& store, Wait wait, const rocksdb::Snapshot* snapshot)
    : store_(store), snapshot_(snapshot), steps_left_(wait == Wait::allowed ? UINT64_MAX : kStepsMax) {
  options_.snapshot = snapshot;
  if (wait == Wait::allowed) return;
  options_.read_tier = rocksdb::kBlockCacheTier;
  options_.max_skippable_internal_keys = kRemovedRowsMax;
}

RocksReader RocksReader::snapshot(const RocksStore& store) { return {store, Wait::allowed, store.db().GetSnapshot()}; }

RocksReader::RocksReader(RocksReader&& other) noexcept
    : store_(other.store_),
      snapshot_(std::exchange(other.snapshot_, nullptr)),
      options_(other.options_),
      steps_left_(other.steps_left_) {}

RocksReader::~RocksReader() {
  if (snapshot_ != nullptr) store_.db().ReleaseSnapshot(snapshot_);
}

Error RocksReader::failure(const rocksdb::Status& status) const {
  return status.IsIncomplete() ? too_long() : rocks_error(status, "read");
}

Error RocksReader::too_long() const {
  would_wait_ = true;
  return error(Errc::cancelled, "a read would have to wait");
}

bool RocksReader::spend(std::uint64_t steps) const {
  const bool enough = steps <= steps_left_;
  steps_left_ = enough ? steps_left_ - steps : 0;
  return enough;
}

Result<bool> RocksReader::get(Family family, std::string_view key, std::string& value) const {
  rocksdb::PinnableSlice found;
  for (int attempt = 1;; ++attempt) {
    const rocksdb::Status status = store_.db().Get(options_, store_.handle(family), slice(key), &found);
    if (status.ok()) {
      value.assign(found.data(), found.size());
      return true;
    }
    if (status.IsNotFound()) return false;
    const auto& heal = store_.events().heal;
    if (!status.IsCorruption() || attempt == kAttempts || !heal || !heal(status.ToString())) return failure(status);
    found.Reset();
  }
}

class RocksCursor final : public Cursor {
 public:
  RocksCursor(const RocksReader& reader, Family family, std::string_view to)
      : reader_(reader), family_(family), to_(to), bound_(to_) {
    reopen();
  }
  bool valid() const override { return in_time_ && iterator_->Valid(); }
  std::string_view key() const override { return view(iterator_->key()); }
  std::string_view value() const override { return view(iterator_->value()); }
  void next() override {
    in_time_ = in_time_ && reader_.spend(1);
    last_.assign(key());
    iterator_->Next();
    settle([&] {
      iterator_->Seek(last_);
      if (iterator_->Valid() && key() == last_) iterator_->Next();
    });
  }
  void seek(std::string_view key) override {
    in_time_ = in_time_ && reader_.spend(kStepsOfSeek);
    iterator_->Seek(slice(key));
    settle([&] { iterator_->Seek(slice(key)); });
  }
  Result<> status() const override {
    if (!in_time_) return reader_.too_long();
    const rocksdb::Status status = iterator_->status();
    return status.ok() ? Result<>() : reader_.failure(status);
  }

 private:
  void reopen() {
    rocksdb::ReadOptions options = reader_.options_;
    if (!to_.empty()) options.iterate_upper_bound = &bound_;
    iterator_.reset(reader_.store_.db().NewIterator(options, reader_.store_.handle(family_)));
  }
  /// When a bad block stopped the iterator and its file was repaired, opens another and calls `go` to get where it was.
  template <class Go>
  void settle(Go go) {
    for (int attempt = 1; attempt < kAttempts && !iterator_->Valid() && iterator_->status().IsCorruption(); ++attempt) {
      const auto& heal = reader_.store_.events().heal;
      // A new iterator sees what is there now, unless the reader has a snapshot.
      if (!heal || !heal(iterator_->status().ToString())) return;
      reopen();
      go();
    }
  }

  const RocksReader& reader_;
  Family family_;
  std::string to_;
  rocksdb::Slice bound_;
  bool in_time_ = true;
  std::string last_;  ///< Kept from step to step, so that it is allocated once.
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

std::unique_ptr<Cursor> RocksReader::scan(Family family, std::string_view from, std::string_view to) const {
  auto cursor = std::make_unique<RocksCursor>(*this, family, to);
  cursor->seek(from);
  return cursor;
}

}  // namespace firn::metadata
