#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firn/base/clock.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"
#include "firn/erasure/codec.h"
#include "firn/volume/client.h"
#include "firn/volume/disk.h"
#include "firn/volume/drive_service.h"

namespace firn::volume {

/// What a drive directory says of itself. Written once, by `Drive::format`.
struct DriveIdentity {
  Uuid cluster;
  Uuid drive;
  DriveIndex index;
  erasure::Shape shape;             ///< Of the cluster at first start.
  std::uint16_t drives = 0;         ///< Number of drives at first start.
  std::uint64_t segment_bytes = 0;  ///< 0 when formatting: chosen by the size of the drive.
  UnixMs created_unix_ms = 0;
  friend bool operator==(const DriveIdentity&, const DriveIdentity&) = default;
};

struct DriveInspection {
  enum class State : std::uint8_t {
    absent,   ///< No such directory.
    empty,    ///< May be formatted.
    drive,    ///< `identity` is set.
    foreign,  ///< Holds something that is not ours: never touched.
  };
  State state = State::absent;
  std::optional<DriveIdentity> identity;
  bool has_records = false;  ///< A record was written to it since it was formatted.
};

/// How far a drive is with reading all it holds on schedule. Kept across restarts.
struct ScrubRound {
  UnixMs begun_unix_ms = 0;  ///< 0: there is no schedule.
  UnixMs ended_unix_ms = 0;  ///< Of the round before; 0: there was none.
  RecordKey after;           ///< The last record that was read.
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t damaged = 0;
  friend bool operator==(const ScrubRound&, const ScrubRound&) = default;
};

/// What a drive counts since it was opened, for metrics.
struct DriveStats {
  std::uint64_t appends = 0;
  std::uint64_t appended_bytes = 0;
  std::uint64_t reads = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t flushes = 0;            ///< Group fdatasyncs; appends / flushes is the size of a group.
  std::uint64_t records_recovered = 0;  ///< Found by the scan at start.
  /// The lowest lease of records that a scan, or the rebuild of a lost index, brought back: among them may be some that
  /// had been removed. Told at every start until `recovery_noted`.
  std::optional<LeaseId> recovered_from;
  std::uint64_t records_torn = 0;  ///< Seen by the scan, but not whole: never acknowledged.
  std::uint64_t segments_recycled = 0;
  std::uint64_t rewritten_bytes = 0;
  std::uint64_t scrubbed_bytes = 0;
  std::uint64_t damaged_records = 0;
  ScrubRound scrub;
};

struct ScrubReport {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t damaged = 0;
  std::uint64_t untaken = 0;  ///< Of the damaged: nobody could see to them.
};

/// One drive: a directory with identity, segments and an index.
///
/// Threads: as DriveService. `on_*` callbacks come on an io thread and must return at once.
/// Durability: as DriveService; the formats are docs/formats/{drive,segment,record,index}.md.
/// Memory: some MB for the index, 48 bytes per record of the segment being filled, and at most
/// `kUnsyncedBytesMax` of appends are waiting for a flush.
class Drive : public DriveService {
 public:
  struct Options {
    /// Errc::corrupt from `open` when the directory belongs to another cluster; none: any.
    std::optional<Uuid> cluster;
    /// Left free by appends: the metadata's log and state, and the index. 0: 2 % of the drive, at least 256 MiB, at
    /// most an eighth of the drive. One segment more is kept for rewriting.
    std::uint64_t reserve_bytes = 0;
    /// A segment whose last record died is not overwritten sooner: readers may be on their way.
    std::chrono::milliseconds recycle_grace{60'000};
    /// Bound on reads plus writes of rewriting, which competes with clients.
    std::uint64_t rewrite_bytes_per_second = 64ULL << 20;
    /// All records are read and verified once in this time, evenly over it; 0: only when asked. Damage goes to
    /// `on_damaged`.
    std::chrono::milliseconds scrub_period{0};
    /// The first write or sync that failed, and why. The drive has fenced itself.
    std::function<void(DriveIndex, const Error&)> on_fenced;
    /// Found damaged while scrubbing (asked or on schedule) or rewriting. False: nobody can see to it now; the schedule
    /// comes to the record again. On any thread.
    std::function<bool(const DamagedRecord&)> on_damaged;
  };

  /// Makes `directory` (absent or empty) a drive. Errc::already_exists when it is one, invalid_argument when foreign.
  static Task<> format(Disk& disk, std::string directory, DriveIdentity identity);
  /// Looks without changing anything. Errc::corrupt when there is an identity, but no sound copy of it.
  static Task<DriveInspection> inspect(Disk& disk, std::string directory);
  /// Opens a formatted drive: see "What start-up does" in docs/formats/drive.md. Errc::already_exists when another
  /// process has it. `runtime` and `disk` must outlive the drive, and `stop` must be awaited before the runtime stops.
  /// Shared: clients and background work hold it, in no order.
  static Task<std::shared_ptr<Drive>> open(Runtime& runtime, Disk& disk, std::string directory, Options options);

  virtual const std::string& directory() const = 0;
  virtual const DriveIdentity& identity() const = 0;
  /// No longer taking appends, because a write failed or `fence` was called.
  virtual bool fenced() const = 0;
  /// Refuses appends, syncs and removals from now on with Errc::drive_out. Reads go on.
  virtual void fence(Error reason) = 0;
  /// Waits for what is under way, flushes segments and index, and marks the drive clean. The last call.
  virtual Task<> stop() = 0;
  virtual DriveStats stats() const = 0;
  /// From which lease on records came back is recorded elsewhere: the next start need not tell it again.
  virtual Task<> recovery_noted() = 0;
  /// Forgets these records, but for those appended under an epoch after `until`: what a shard left behind whose place
  /// has moved to another drive. Durable after `sync_index`.
  virtual Task<> remove_left(std::vector<RecordKey> keys, SetEpoch until) = 0;
  /// Reads every record the index knows and verifies all of it; damage goes to `on_damaged`. Ends early with
  /// Errc::cancelled when the drive stops. `bytes_per_second` 0: unbounded.
  virtual Task<ScrubReport> scrub(std::uint64_t bytes_per_second) = 0;
};

}  // namespace firn::volume
