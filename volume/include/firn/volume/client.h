#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/clock.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"
#include "firn/volume/cluster_map.h"
#include "firn/volume/drive_service.h"

namespace firn::volume {

/// A written extent as the metadata commit must carry it.
struct WrittenExtent {
  ExtentId id;
  SetId set;
  SetEpoch epoch;  ///< Every shard was appended under this epoch.
  std::uint64_t length_bytes = 0;
  erasure::ShardMask missing = 0;  ///< Shards left out because their drive was out: repair owes them.
};

/// Part of an extent to read. `length_bytes` is the whole extent's: it gives the geometry.
struct ExtentPart {
  ExtentId id;
  SetId set;
  std::uint64_t length_bytes = 0;
  ByteRange range;
};

/// Streams one extent's bytes to the drives of its set.
///
/// Threads: one coroutine, on the io thread that made it.
/// Durability: when `finish` returns, all shards of `write_quorum` are synced. Before that nothing may refer to the
/// extent. Memory: one chunk being filled, m parity chunks and `kChunksInFlight` chunks being written, taken from the
/// client's admission budget; `window` waits for the budget, so a socket is not read faster than drives write.
/// Destroying an unfinished writer leaves an orphan for garbage collection, never a reference.
class ExtentWriter {
 public:
  virtual ~ExtentWriter() = default;
  virtual ExtentId id() const = 0;
  /// Memory for the next bytes of the extent, at least one byte unless the extent is complete: fill a front part of it.
  virtual Task<MutableBytes> window() = 0;
  /// `filled` bytes at the window's front are the extent's next ones. Checksums and parity read them now: the sooner
  /// they are told after they were written or read, the more of them is still in the core's cache.
  virtual void advance(std::size_t filled) = 0;
  /// Memory that `advance` will use for the next bytes, as far as the window reaches: whoever has time until then may
  /// fetch it into the cache. The list lives until the next call.
  virtual std::span<const std::byte* const> alongside() = 0;
  /// After exactly the promised length. Errc::durability_unavailable when too few drives are in, insufficient_storage
  /// when one has no room. `window` answers the same as soon as that is certain.
  virtual Task<WrittenExtent> finish() = 0;
};

/// Yields verified bytes of a list of extent parts, in order.
///
/// Threads: one coroutine, on the io thread that made it.
/// Memory: 1 MiB before the caller has come back once, then up to 4 MiB, taken from the client's read budget; the next
/// chunk is asked for when the caller comes for it. Who finds the budget used up goes on in pieces of 64 KiB, one at a
/// time, which any number of readers may hold. Where shards are rebuilt, the chunk of each one missing and the parity
/// for it on top; going around a slow drive takes from the same budget.
class ExtentReader {
 public:
  virtual ~ExtentReader() = default;
  /// The next run of bytes, empty at the end. The view lives until the next call. Errc::not_found when an extent is
  /// gone (read the object's record again), corrupt when fewer than k good shards are left. The first run comes when
  /// the whole of the first 1 MiB is there, as far as there is memory for it: until then nothing has been promised.
  virtual Task<ByteView> next() = 0;
};

/// A record that could not be served as stored: repair should rebuild it.
struct DamagedRecord {
  RecordKey key;
  SetId set;
  Errc reason = Errc::corrupt;
};

/// Striping, encoding, placement and degraded reads over the drives of the cluster.
///
/// Threads: any io thread; `connect`, `install_map` and `map` any thread. The runtime must outlive the client and
/// whatever it has begun: writes and reads under way may end after the client, but tell no events any more. Memory:
/// `Options::admission_bytes_max` over all writers; past it `window` waits, and after `admission_wait` answers
/// Errc::slow_down. `Options::read_bytes_max` over all readers. Repair and verify hold up to 2(k+m) chunks each beside
/// it: their callers bound how many run.
class Client {
 public:
  struct Options {
    /// Half of what 256 large uploads at once would like: they then share it instead of failing.
    std::uint64_t admission_bytes_max = 512ULL << 20;
    std::chrono::milliseconds admission_wait{10'000};
    /// Sixty-four readers at full speed. It counts what clients have not taken yet: slow ones must not hold more.
    std::uint64_t read_bytes_max = 256ULL << 20;
    /// How long a write waits for the map that has its failed drive out. Fencing is one metadata commit; beyond a few
    /// seconds the metadata tier is in trouble too, and the S3 client had better hear 503.
    std::chrono::milliseconds fence_wait{5'000};
  };
  /// Called on an io thread. Must return at once.
  struct Events {
    std::function<void(DriveIndex, const Error&)> drive_failed;  ///< An append, sync or read failed: fence it.
    /// A record that a read found bad or missing, and went around. Not told by `repair` and `verify`, which answer
    /// masks.
    std::function<void(const DamagedRecord&)> record_damaged;
  };

  static std::unique_ptr<Client> make(Runtime& runtime, Options options, Events events);
  virtual ~Client() = default;

  /// Which service answers for a drive; null when it is absent.
  virtual void connect(DriveIndex drive, std::shared_ptr<DriveService> service) = 0;
  /// Later maps replace earlier ones; an older one is ignored. Writers that fail on a fenced drive wait for the next.
  virtual void install_map(std::shared_ptr<const ClusterMap> map) = 0;
  virtual std::shared_ptr<const ClusterMap> map() const = 0;

  /// Begins an extent of exactly `length_bytes` (>= 1) on an open set. Errc::durability_unavailable when no set can
  /// take it.
  virtual Result<std::unique_ptr<ExtentWriter>> write(ExtentId id, std::uint64_t length_bytes, BucketId owner) = 0;
  virtual std::unique_ptr<ExtentReader> read(std::vector<ExtentPart> parts) = 0;

  /// Rebuilds the shards of `wanted` of one extent from the others, appends them to the drives that own them today,
  /// syncs and reads them back. Returns the mask that is now good. Used by repair and scrub.
  virtual Task<erasure::ShardMask> repair(ExtentPart extent, erasure::ShardMask wanted) = 0;
  /// Reads every record of the extent whole, verifies data against parity. Returns the mask of bad or missing shards.
  /// Errc::not_found, here and from `repair`, when no drive has the extent any more.
  virtual Task<erasure::ShardMask> verify(ExtentPart extent) = 0;
  /// Tells every drive of the set to forget the extents, durably. Errc::drive_out when one that is in could not be
  /// told; one that is out still holds them when it returns.
  virtual Task<> remove(SetId set, std::vector<ExtentId> extents) = 0;
};

}  // namespace firn::volume
