#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "core.h"
#include "event.h"
#include "extent.h"
#include "firn/base/result.h"
#include "firn/volume/client.h"
#include "record_memory.h"

namespace firn::volume {

/// One extent's records on their way to the drives: starts appends and syncs, and knows which shards are safe.
///
/// Threads: one io thread. Shared with the appends and syncs under way, which end by themselves when the writer is
/// gone. Durability: `settle` answers only for shards whose appends and sync have returned.
class Flight : public std::enable_shared_from_this<Flight> {
 public:
  enum class After : std::uint8_t {
    append,  ///< The drive is synced later, by `start_syncs`.
    sync,    ///< The shard has no other record: sync as soon as this one is written.
  };

  /// `start` is the view the extent's set was chosen from.
  Flight(std::shared_ptr<Core> core, std::shared_ptr<const View> start, const Extent& extent);

  const Extent& extent() const { return extent_; }
  const erasure::Codec& codec() const { return start_->codec(extent_.shape); }

  /// Appends one record. Its header page is complete but for the epoch. Whoever else holds on to it may read its
  /// payload meanwhile, and must `let_go` of it.
  void start_append(std::shared_ptr<RecordMemory> record, RecordPlace place, After after);
  /// Of the last one who held it, the memory is given back.
  void let_go(std::shared_ptr<RecordMemory> record);
  /// Syncs each drive that holds records of `shards`, once: those sent here, or, of a shard of which none was sent,
  /// those that were there before.
  void start_syncs(erasure::ShardMask shards);
  /// Shards of which a record is not, or may not be, on its drive.
  erasure::ShardMask lost() const { return lost_; }

  /// Appends and syncs that have not returned.
  std::size_t under_way() const { return under_way_; }
  /// Memory of records that are being appended.
  std::uint64_t appending_bytes() const { return appending_bytes_; }
  /// Returns after something has ended.
  boost::asio::awaitable<void> change() { return changed_.wait(); }
  boost::asio::awaitable<void> all_ended();

  /// Memory of all `records` of a stripe: given back when the last of them is written.
  void hold(Admission::Reservation stripe, std::size_t records);
  /// While set, the first record given back leaves its memory here: a writer between two chunks
  /// must not lose the one it lives on.
  void keep_spare(bool keep);
  RecordMemory take_spare() { return std::exchange(spare_, {}); }

  /// Why going on makes no sense: a full drive, or too many failed.
  std::optional<Error> hopeless() const;
  /// After `all_ended`: waits, if drives failed, for the map that has them out, then says what the commit may say.
  Task<WrittenExtent> settle();

 private:
  enum class Verdict : std::uint8_t { safe, failed_drive_still_in, too_few };

  struct Target {
    DriveService* service = nullptr;
    SetEpoch epoch;
    DriveIndex drive;
  };
  /// Where a shard goes on after its place has moved in the midst of the extent.
  struct Onward {
    std::shared_ptr<const View> view;  // Its services are those of the first record sent there.
    DriveIndex drive;
    DriveService* service() const { return view->service(drive); }
  };
  Result<Target> target(std::uint8_t shard);
  /// The shard's place is still the drive it began with, and that drive is in.
  bool place_is_in(const View& view, std::uint8_t shard) const;
  /// The drive it began with is the one its place moves, or has moved, from, and what was written there counts.
  bool place_has_moved(const View& view, std::uint8_t shard) const;
  bool counts(const View& view, std::uint8_t shard) const {
    return place_is_in(view, shard) || place_has_moved(view, shard);
  }
  Verdict judge(const View& view);

  void spawn(boost::asio::awaitable<void> child);
  static boost::asio::awaitable<void> append(std::shared_ptr<Flight> self, std::shared_ptr<RecordMemory> record,
                                             RecordPlace place, After after);
  static boost::asio::awaitable<void> sync(std::shared_ptr<Flight> self, DriveIndex drive, DriveService* service,
                                           erasure::ShardMask shards);
  Task<Target> try_append(RecordMemory& record, RecordPlace place);
  /// Waits for a map in which the set's epoch is beyond `epoch`.
  boost::asio::awaitable<bool> newer_epoch(SetEpoch epoch);
  void lose(erasure::ShardMask shards, DriveIndex drive, const Error& failure);

  // Shared because appends may outlive the client.
  std::shared_ptr<Core> core_;
  // Drives and services stay those of the beginning: a sync of a reopened drive says nothing of what its predecessor
  // had not flushed.
  std::shared_ptr<const View> start_;
  Extent extent_;
  std::array<DriveIndex, kShardsMax> drives_{};
  std::array<std::optional<Onward>, kShardsMax> onward_{};

  erasure::ShardMask begun_ = 0;  // A record was sent to drives_[shard].
  erasure::ShardMask lost_ = 0;
  erasure::ShardMask fenced_ = 0;  // Of these, a map has had the drive out: they may be left out.
  std::optional<SetEpoch> epoch_;  // The lowest a record was appended under.
  std::optional<Error> failure_;   // Ends the write whatever the other drives do.
  std::size_t under_way_ = 0;
  std::uint64_t appending_bytes_ = 0;
  Event changed_;
  Admission::Reservation stripe_reservation_;
  std::size_t stripe_records_ = 0;  // Not yet written under the stripe's reservation.
  RecordMemory spare_;
  bool keep_spare_ = false;
};

}  // namespace firn::volume
