#pragma once

#include <cstdint>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/erasure/codec.h"
#include "firn/volume/record.h"

namespace firn::volume {

/// One shard record to append. The drive fills the place fields of the header (segment, incarnation, nonce, offset,
/// cluster), seals it, and writes header page and payload in one go.
struct Append {
  RecordKey key;
  SetId set;
  SetEpoch set_epoch;
  erasure::Shape shape;
  std::uint64_t extent_bytes = 0;
  std::uint32_t chunk_bytes = 0;
  BucketId owner_bucket;
  /// One header page, then `stored` payload bytes in whole zero-filled blocks; page aligned. The caller keeps it alive
  /// until the append returns. The block checksums are already in the header page (checksum_blocks).
  MutableBytes record;
};

/// What a drive says of one record it holds.
struct RecordInfo {
  RecordKey key;
  SetId set;
  SetEpoch set_epoch;
  std::uint32_t stored_bytes = 0;
  std::uint64_t extent_bytes = 0;
};

/// Verified by whoever receives it: the header page as read, and behind it whole blocks of the chunk from `first_block`
/// on. In one run of memory, as on the drive: from the first block on they are one read.
struct RecordBytes {
  RecordBytes() = default;
  explicit RecordBytes(std::size_t blocks_bytes) : memory(kPageBytes + blocks_bytes) {}

  const RecordHeader& header() const { return *reinterpret_cast<const RecordHeader*>(memory.data()); }
  RecordHeader& header() { return *reinterpret_cast<RecordHeader*>(memory.data()); }
  MutableBytes header_page() { return memory.span().first(kPageBytes); }
  MutableBytes blocks() { return memory.span().subspan(kPageBytes); }
  ByteView blocks() const { return memory.view().subspan(kPageBytes); }

  Buffer memory;
  std::uint32_t first_block = 0;
};

struct DriveUsage {
  std::uint64_t capacity_bytes = 0;   ///< What segments may take, the reserve excluded.
  std::uint64_t allocated_bytes = 0;  ///< In segments that hold records.
  std::uint64_t live_bytes = 0;       ///< Of records that are still referenced as far as the drive knows.
};

/// One drive as its clients see it: local, or on another node.
///
/// Threads: callable from any io thread; completes on the caller's.
/// Durability: `append` returns when the record is written; it survives power loss once a `sync` begun after that
/// returns. Memory: bounded by its callers, who own every buffer of a write.
class DriveService {
 public:
  virtual ~DriveService() = default;

  virtual DriveIndex index() const = 0;

  /// Errc::drive_full past the drive's reserve, stale_epoch when the drive holds a newer epoch of the set, drive_out
  /// when fenced, io_error (which fences it).
  virtual Task<> append(Append request) = 0;

  /// Makes every append that returned before this call durable; calls that overlap share one flush. A failure fences
  /// the drive: what it was to cover is lost to the caller.
  virtual Task<> sync() = 0;

  /// Header page and the blocks that cover `range` of the chunk (range within stored_bytes; empty: the header alone).
  /// Errc::not_found when the index has no such record, corrupt when its segment was recycled, io_error.
  virtual Task<RecordBytes> read(RecordKey key, ByteRange range) = 0;

  /// Forgets every record of these extents. Idempotent. Durable only after `sync_index`.
  virtual Task<> remove(std::vector<ExtentId> extents) = 0;
  /// Makes all removals that returned before durable (the index is flushed).
  virtual Task<> sync_index() = 0;

  /// Records in key order after `after` (exclusive), at most `limit`: repair, fsck and orphan search walk a drive by
  /// this.
  virtual Task<std::vector<RecordInfo>> list(RecordKey after, std::size_t limit) = 0;

  /// Appends to `set` under an epoch older than `epoch` are refused from now on, durably.
  virtual Task<> raise_epoch(SetId set, SetEpoch epoch) = 0;

  virtual Task<DriveUsage> usage() = 0;
};

}  // namespace firn::volume
