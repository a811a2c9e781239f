#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "shard_read.h"

namespace firn::volume {

/// The reads one reader has under way or still holds, so that pieces of one stripe share them.
class LiveReads {
 public:
  std::shared_ptr<ShardRead> find(const RecordKey& key, ByteRange blocks) const;
  void add(const std::shared_ptr<ShardRead>& read);

 private:
  // Weak: a read lives as long as a piece needs it.
  std::vector<std::pair<RecordKey, std::weak_ptr<ShardRead>>> reads_;
};

/// A run of an extent's bytes within one chunk: read from its own shard, or rebuilt from any k others.
///
/// Threads: one io thread. It never waits itself: its reader calls `step` whenever a read has ended.
class Piece {
 public:
  enum class Step : std::uint8_t { ready, waiting, failed };
  using Time = std::chrono::steady_clock::time_point;

  /// `range` lies within the shard's data.
  Piece(std::shared_ptr<Core> core, const Extent& extent, const RecordKey& key, ByteRange range);

  /// Asks the shard's own drive, or, when that is known to be out or slow, the others at once.
  void start(LiveReads& live, const std::shared_ptr<Event>& done);
  /// Looks at what has come and asks further shards when it does not suffice.
  Step step(LiveReads& live, const std::shared_ptr<Event>& done);

  /// When the oldest read that is waited for outlives the patience.
  std::optional<Time> slow_after() const;
  /// Goes around reads that have outlived it, if the hedge budget allows.
  void look_for_slow_reads();

  /// Once ready.
  ByteView bytes();
  /// Once failed: not_found when every drive that answers denies the extent, else corrupt.
  Error failure() const;
  /// Memory of the blocks that cover the range.
  std::uint64_t memory_bytes() const { return blocks_.length; }

 private:
  struct Sources {
    erasure::ShardMask good = 0;
    unsigned coming = 0;  // Pending and not given up on.
    bool pending = false;
  };
  Sources look();
  bool given_up(const ShardRead& read) const { return hedging_ && read.is_overdue(); }
  /// The part of the wanted blocks that the shard stores; what lies past it is zeros.
  ByteRange stored_part(std::uint8_t shard) const;
  std::optional<unsigned> cost(std::uint8_t shard, const View& view, const LiveReads& live) const;
  std::optional<std::uint8_t> cheapest(const View& view, const LiveReads& live) const;
  void ask(std::uint8_t shard, LiveReads& live, const std::shared_ptr<Event>& done);
  Result<> rebuild(erasure::ShardMask good);
  /// Memory for going around a slow drive. Without it, that drive is waited for.
  bool afford_detour();
  void settle_for_own();
  void report_missing();

  std::shared_ptr<Core> core_;
  const Extent extent_;
  const RecordKey key_;
  const ByteRange range_;   // In the chunk.
  const ByteRange blocks_;  // The whole blocks around it.

  Admission::Reservation detour_;                  // Before the reads: it is given back after their memory.
  std::vector<std::shared_ptr<ShardRead>> reads_;  // Shared with themselves and other pieces.
  erasure::ShardMask asked_ = 0;
  erasure::ShardMask zeros_ = 0;  // Shards that store nothing of the blocks: known without asking.
  bool rebuilding_ = false;
  bool hedging_ = false;            // Reads that are overdue don't count any more.
  Time retry_hedge_after_{};        // The budget had none to give.
  std::shared_ptr<ShardRead> own_;  // The shard itself, read and good.
  Buffer rebuilt_;
};

}  // namespace firn::volume
