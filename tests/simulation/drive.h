#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "firn/volume/drive_service.h"
#include "network.h"

namespace firn::simulation {

/// A drive: what is synced apart from what is only written, removals apart from removals that the index has flushed.
/// It stands in for volume::Drive and keeps its promises; a crash takes what they don't cover.
class Drive {
 public:
  struct Events {
    /// The drive is to forget the extent.
    std::function<void(DriveIndex, const ExtentId&)> removing;
    std::function<void(DriveIndex, const Error&)> fenced;
  };
  Drive(DriveIndex index, Uuid uuid, Random random, Trace& trace)
      : index_(index), uuid_(uuid), random_(random), trace_(trace) {}

  DriveIndex index() const { return index_; }
  Uuid uuid() const { return uuid_; }

  Task<> append(volume::Append request);
  Task<> sync();
  Task<volume::RecordBytes> read(volume::RecordKey key, ByteRange range);
  Task<> remove(std::vector<ExtentId> extents);
  Task<> sync_index();
  /// As volume::Drive has it.
  Task<> remove_left(std::vector<volume::RecordKey> keys, SetEpoch until);
  Task<std::vector<volume::RecordInfo>> list(volume::RecordKey after, std::size_t limit);
  Task<> raise_epoch(SetId set, SetEpoch epoch);

  /// The process that had it open is gone; with `power`, so is what the drive had not synced. Until `open`, nothing
  /// answers.
  void crash(bool power);
  /// The lowest lease of records that came back, as volume::DriveStats has it, until `recovery_noted`.
  std::optional<LeaseId> open(Events events);
  void recovery_noted() { recovered_from_.reset(); }
  void fence(const Error& why);
  bool fenced() const { return fenced_; }
  bool is_open() const { return open_; }
  /// Another, empty drive in its place.
  void replace(Uuid uuid);
  /// The next write fails, for good.
  void break_down() { broken_ = true; }
  void set_full(bool full) { full_ = full; }
  void set_slow(bool slow) { slow_ = slow; }
  /// What a sync has answered for may be lost with the power.
  void set_lying(bool lying) { lying_ = lying; }
  /// Flips a bit of some record; which, or nothing where there is none.
  std::optional<volume::RecordKey> flip_a_bit();

  /// The record is gone, and nobody was told.
  void lose(const volume::RecordKey& key) { records_.erase(key); }
  /// A record under this name, of the bytes of another.
  void plant(const volume::RecordKey& key, const volume::RecordKey& like) { records_[key] = records_.at(like); }

  bool holds_synced(const volume::RecordKey& key) const;
  std::vector<volume::RecordKey> keys() const;

 private:
  struct Stored {
    std::vector<std::byte> bytes;
    SetEpoch epoch;
    std::uint64_t written = 0;  // When, counted in appends and removals.
    bool synced = false;
    std::optional<std::vector<std::byte>> before;  // The synced record of the same key that this one replaces.
  };
  struct Removed {
    Stored record;
    std::uint64_t at = 0;
  };
  boost::asio::awaitable<void> work(std::uint64_t microseconds);
  Result<> check_open(std::uint64_t life) const;
  Result<> fail();
  Result<> store(const volume::Append& request);

  const DriveIndex index_;
  Uuid uuid_;
  Random random_;
  Trace& trace_;
  Events events_;
  std::map<volume::RecordKey, Stored> records_;
  std::map<volume::RecordKey, Removed> removed_;  // Not flushed yet.
  std::map<SetId, SetEpoch> epochs_;
  std::optional<LeaseId> recovered_from_;
  std::uint64_t changes_ = 0;
  std::uint64_t life_ = 0;  // Which opening.
  bool open_ = false, fenced_ = false, broken_ = false, full_ = false, slow_ = false, lying_ = false;
};

/// A drive as a node reaches it: its own at once, another node's over the network.
class DriveLink final : public volume::DriveService {
 public:
  struct Parts {
    Network& network;
    Drive& drive;
    NodeId owner;
    NodeId asker;
    const bool& alive;  ///< Whether the process that asks still runs.
  };
  explicit DriveLink(Parts parts) : parts_(parts) {}

  DriveIndex index() const override { return parts_.drive.index(); }
  Task<> append(volume::Append request) override;
  Task<> sync() override;
  Task<volume::RecordBytes> read(volume::RecordKey key, ByteRange range) override;
  Task<> remove(std::vector<ExtentId> extents) override;
  Task<> sync_index() override;
  Task<std::vector<volume::RecordInfo>> list(volume::RecordKey after, std::size_t limit) override;
  Task<> raise_epoch(SetId set, SetEpoch epoch) override;
  Task<volume::DriveUsage> usage() override;

 private:
  template <class T>
  Task<T> ask(std::function<Task<T>()> work);

  const Parts parts_;
};

}  // namespace firn::simulation
