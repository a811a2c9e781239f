#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "firn/base/gate.h"
#include "firn/volume/drive.h"
#include "shard/async_condition.h"
#include "shard/drive_format.h"
#include "shard/index.h"
#include "shard/open_segment.h"
#include "shard/segment_scan.h"
#include "shard/segment_table.h"

namespace firn::volume {

/// Written but not flushed: appends wait beyond it. A crash costs at most this much scanning.
inline constexpr std::uint64_t kUnsyncedBytesMax = 64ULL << 20;
/// A flush is started in the background, so that the one a client waits for finds little left to do.
inline constexpr std::uint64_t kUnsyncedBytesSoft = 16ULL << 20;

struct RecordKeyHash {
  std::size_t operator()(const RecordKey& key) const noexcept {
    return std::hash<ExtentId>{}(key.extent) * 31 + key.stripe * 0x9E3779B97F4A7C15ULL + key.shard;
  }
};

/// What start-up hands to the drive.
struct DriveParts {
  Runtime& runtime;
  Disk& disk;
  std::string directory;
  DriveIdentity identity;
  Drive::Options options;
  Index::Options index_options;
  std::unique_ptr<DiskLock> lock;
  std::unique_ptr<Index> index;
  SetEpochs epochs;
  SegmentTable segments;
  /// Unsealed ones with records; appends go on in the last, the others are sealed.
  std::vector<std::shared_ptr<OpenSegment>> open_segments;
  std::uint64_t birth = 0;  ///< The highest seen.
  DriveStats stats;
};

/// A drive whose directory is on this machine.
///
/// Threads: any io thread. `mutex_` guards all state below it, is held for well under a microsecond and never across
/// co_await; `index_turn_` orders what is written to the index.
class LocalDrive final : public Drive, public std::enable_shared_from_this<LocalDrive> {
 public:
  explicit LocalDrive(DriveParts parts);

  DriveIndex index() const override { return identity_.index; }
  Task<> append(Append request) override;
  Task<> sync() override;
  Task<RecordBytes> read(RecordKey key, ByteRange range) override;
  Task<> remove(std::vector<ExtentId> extents) override;
  Task<> remove_left(std::vector<RecordKey> keys, SetEpoch until) override;
  Task<> sync_index() override;
  Task<std::vector<RecordInfo>> list(RecordKey after, std::size_t limit) override;
  Task<> raise_epoch(SetId set, SetEpoch epoch) override;
  Task<DriveUsage> usage() override;

  const std::string& directory() const override { return directory_; }
  const DriveIdentity& identity() const override { return identity_; }
  bool fenced() const override { return fenced_.load(std::memory_order_acquire); }
  void fence(Error reason) override;
  Task<> stop() override;
  DriveStats stats() const override;
  Task<> recovery_noted() override;
  Task<ScrubReport> scrub(std::uint64_t bytes_per_second) override;

  /// Lets the background work begin: once, after construction.
  void start();

 private:
  /// One stream of appends: clients' or rewriting's.
  struct Lane {
    bool may_take_the_spare = false;  ///< Rewriting may take the last free segment: that is what it is kept for.
    std::shared_ptr<OpenSegment> current;
    std::shared_ptr<OpenSegment> prepared;  ///< Its header is on disk.
    bool preparing = false;
    bool prepared_ahead = false;   ///< Asked for while `current` was filling.
    std::uint64_t attempts = 0;    ///< Preparations that have ended,
    std::optional<Error> refusal;  ///< and why the last one brought nothing, if so.
  };
  struct Reserved {
    std::shared_ptr<OpenSegment> segment;
    OpenSegment::Place place;
  };
  /// A written record on its way into the index.
  struct Written {
    RecordKey key;
    RecordRow row;
    std::shared_ptr<OpenSegment> segment;
    std::uint64_t ticket = 0;
  };
  /// A live record on its way to another segment.
  struct Move {
    RecordKey key;
    RecordRow from;
    RecordRow to;
    std::shared_ptr<OpenSegment> segment;
    std::uint64_t ticket = 0;
  };
  struct Flush {
    std::vector<std::shared_ptr<OpenSegment>> segments;
    std::vector<Written> records;
    std::uint64_t target = 0;
    std::uint64_t bytes = 0;
  };
  /// Counts a call that is under way, so that `stop` can wait for it.
  class Pass {
   public:
    explicit Pass(LocalDrive& drive) : drive_(&drive) { drive.operations_.fetch_add(1); }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() { drive_->operation_ended(); }

   private:
    LocalDrive* drive_;
  };

  // Appending and flushing: drive_append.cpp.
  Result<> check_append(const Append& request) const;
  Result<> admits(SetId set, SetEpoch epoch) const;  ///< mutex_ held: fences, stops and epochs.
  /// mutex_ held. None: there is no room now; `reserve` waits for some.
  std::optional<Result<Reserved>> try_reserve(Lane& lane, std::uint64_t record_bytes, const Append* request);
  Task<Reserved> reserve(Lane& lane, std::uint64_t record_bytes, const Append* request);
  void rotate(Lane& lane);         ///< mutex_ held.
  void prepare_ahead(Lane& lane);  ///< mutex_ held.
  void fill_header(const Append& request, const Reserved& reserved) const;
  Task<> write_record(Lane& lane, Reserved reserved, RecordKey key, ByteView record);
  /// mutex_ held: fences, or gives the segment up when there is no space.
  Error write_failed(Lane& lane, const Reserved& reserved, const Error& failure);
  void count_written(std::uint64_t record_bytes);  ///< mutex_ held.
  Task<> flush_to(std::uint64_t target);
  boost::asio::awaitable<void> gather_writes();
  Flush take_flush();  ///< mutex_ held.
  Task<> run_flush(Flush flush);
  Task<> settle(std::vector<Written> records);
  /// mutex_ held: an earlier copy of a record that was appended again.
  void forget_copy(const Result<RecordRow>& copy, std::chrono::steady_clock::time_point now, IndexBatch& batch);
  void flush_in_background();  ///< mutex_ held.
  Task<> flush_now();

  // The index: drive_index.cpp.
  Task<RecordRow> find(RecordKey key);
  std::optional<RecordRow> find_pending(const RecordKey& key);
  std::map<RecordKey, RecordInfo> pending_after(const RecordKey& after) const;
  Task<> write_index(IndexBatch& batch);
  Task<> flush_index();
  Task<> remove_in_turn(std::vector<ExtentId> extents);
  void drop_pending(const std::unordered_set<ExtentId>& extents);  ///< mutex_ held.
  Task<> remove_rows(std::vector<Index::Row> rows);
  void flush_index_when_due();  ///< mutex_ held.

  // Reading: drive_read.cpp.
  Task<std::shared_ptr<DiskFile>> segment_file(SegmentId id);
  Task<RecordBytes> read_at(const RecordKey& key, const RecordRow& row, ByteRange range);
  bool report_damage(const DamagedRecord& record, const Error& reason);  ///< Whether somebody sees to it.

  // Reading all of it, asked or on schedule: drive_scrub.cpp.
  Task<> scrub_record(const RecordInfo& record, ScrubReport& report);
  Task<> keep_scrubbing();
  Task<> load_scrub_round();
  boost::asio::awaitable<void> save_scrub_round();
  Task<ScrubReport> scrub_step();
  boost::asio::awaitable<void> end_scrub_round();
  std::chrono::milliseconds until_scrub_step();

  // Segments' lives: drive_segments.cpp.
  void prepare_in_background(Lane& lane);  ///< mutex_ held.
  Task<> prepare_clients();
  Task<> prepare_rewriting();
  Task<> prepare(Lane& lane);
  Task<std::shared_ptr<OpenSegment>> take_segment(bool may_take_the_spare);
  Task<> create_segment();
  Task<std::shared_ptr<OpenSegment>> begin_incarnation(SegmentId id);
  Task<std::shared_ptr<OpenSegment>> write_segment_header(SegmentId id);
  Task<> ensure_spare();
  void wake_janitor();  ///< mutex_ held.
  Task<> janitor();
  Task<> seal_closing();
  Task<> seal(std::shared_ptr<OpenSegment> segment);
  Task<> write_summary(const OpenSegment& segment, const std::vector<SummaryEntry>& entries);
  std::vector<SegmentId> due_for_recycling(std::chrono::steady_clock::time_point now);  ///< mutex_ held.
  Task<> recycle_dead();
  void wake_at(std::chrono::steady_clock::time_point when);

  // Rewriting: drive_rewrite.cpp.
  void start_rewriting();  ///< mutex_ held.
  Task<> rewrite();
  Task<std::optional<SegmentId>> pick_for_rewriting();
  Task<> empty_segment(SegmentId id);
  Task<std::optional<Move>> move_record(const SummaryEntry& entry, const SegmentIdentity& from,
                                        const std::shared_ptr<DiskFile>& file);
  Task<> finish_moves(std::vector<Move> moves);

  Task<> write_clean_end();
  void operation_ended();
  /// Runs `work` on the home thread, inside the gate, ignoring its result (each job reports what it must itself).
  void run_in_background(Task<> (LocalDrive::*work)());
  static boost::asio::awaitable<void> background(std::shared_ptr<LocalDrive> drive, Gate::Pass pass,
                                                 Task<> (LocalDrive::*work)());
  void report(const Result<>& outcome) const;  ///< Background work has nobody else to tell.
  Error refusal() const;                       ///< mutex_ held: why appends are refused.
  void fence_locked(const Error& reason);      ///< mutex_ held.
  std::string segment_path(SegmentId id) const;
  SegmentIdentity identity_of(SegmentId id) const;
  std::uint64_t reserve_bytes(const DiskSpace& space) const;

  Runtime& runtime_;
  Disk& disk_;
  const std::string directory_;
  const DriveIdentity identity_;
  const Options options_;
  std::unique_ptr<DiskLock> lock_;
  std::unique_ptr<Index> index_;
  boost::asio::io_context& home_;  ///< Background work runs here.
  Gate gate_;
  boost::asio::steady_timer grace_timer_;  ///< Of the home thread.
  boost::asio::steady_timer scrub_timer_;  ///< Of the home thread.
  AsyncTurn index_turn_;
  AsyncTurn epochs_turn_;
  AsyncTurn create_turn_;

  std::atomic<bool> fenced_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> operations_{0};
  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::uint64_t> read_bytes_{0};

  mutable std::mutex mutex_;
  AsyncCondition room_;     ///< Appends: window, unflushed bytes, a prepared segment.
  AsyncCondition flushed_;  ///< A flush ended.
  AsyncCondition stopped_;  ///< The last operation ended.
  Lane clients_;
  Lane rewriting_;
  std::vector<std::shared_ptr<OpenSegment>> closing_;  ///< Full; sealed once quiet.
  SegmentTable segments_;
  SetEpochs epochs_;
  std::uint64_t birth_;
  /// Written, not yet in the index. Looked up before it.
  std::unordered_map<RecordKey, RecordRow, RecordKeyHash> pending_;
  std::vector<Written> unsynced_;
  std::uint64_t unsynced_bytes_ = 0;  ///< Written or being flushed.
  std::uint64_t written_ = 0;         ///< Appends that have been written, ever.
  std::uint64_t durable_ = 0;         ///< Of those, flushed.
  bool flushing_ = false;
  bool background_flush_ = false;      ///< One was asked for and has not begun.
  std::uint64_t unindexed_bytes_ = 0;  ///< Appended since the index was last flushed.
  std::chrono::steady_clock::time_point index_flushed_at_;
  bool janitor_wanted_ = false;
  bool janitor_running_ = false;
  bool rewrite_running_ = false;
  /// Rewriting found no room, and rests until then or until a segment is recycled.
  std::chrono::steady_clock::time_point rewrite_rests_until_;
  std::optional<Error> fence_reason_;
  DriveStats stats_;
};

}  // namespace firn::volume
