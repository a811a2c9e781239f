#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "firn/base/gate.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"
#include "firn/metadata/client.h"
#include "firn/volume/drive_service.h"
#include "map_keeper.h"

namespace firn::server {

/// Brings shards that move to this node's drives, and takes off its drives what has moved away.
///
/// The map says what moves; each node pulls what moves to it, so that no node has all the work. A walk over the drive
/// that a shard moves from, compared with the drive it moves to, tells what is left: a restart goes on where it was.
/// Threads: io thread 0; `poke` and `progress` from anywhere.
/// Durability: a move is recorded as done when the walk, begun after the old drive refuses appends of older epochs, has
/// found every record on the new one, verified and synced. What it leaves behind is removed a while later.
/// Memory: `kCopiesAtOnce` records.
class Mover {
 public:
  struct Parts {
    Runtime& runtime;
    metadata::Client& metadata;
    MapKeeper& keeper;
    /// Null when it is not one of this node's, or absent.
    std::function<std::shared_ptr<volume::DriveService>(DriveIndex)> own;
    /// volume::Drive::remove_left of one of this node's.
    std::function<Task<>(DriveIndex, std::vector<volume::RecordKey>, SetEpoch)> remove_left;
    /// Of any node.
    std::function<std::shared_ptr<volume::DriveService>(DriveIndex)> find;
  };
  struct Options {
    /// What this node pulls a second, so that clients keep most of the drives.
    std::uint64_t bytes_per_second = 100ULL << 20;
    /// How long readers and writers with an older map may still look at the drive a shard has left.
    std::chrono::milliseconds grace{30'000};
  };
  struct Progress {
    std::uint64_t bytes = 0;  ///< Since the start.
    std::uint64_t bytes_per_second = 0;
  };

  Mover(Parts parts, Options options);
  void start();
  boost::asio::awaitable<void> stop();
  /// The map has changed.
  void poke();
  Progress progress() const;

 private:
  static constexpr std::size_t kCopiesAtOnce = 8;
  using Clock = std::chrono::steady_clock;

  /// A shard on its way to one of this node's drives.
  struct Incoming {
    SetId set;
    std::uint8_t shard = 0;
    SetEpoch epoch;
    erasure::Shape shape;
    DriveIndex to;
    Uuid from_uuid;
    std::shared_ptr<volume::DriveService> target;
  };
  /// All that come from one drive: one walk over it serves them all.
  struct Source {
    DriveIndex drive;
    std::shared_ptr<volume::DriveService> service;
    std::vector<Incoming> incoming;
    const Incoming* find(const volume::RecordInfo& record) const;
  };
  struct Copy {
    volume::RecordInfo record;
    const Incoming* incoming = nullptr;
  };

  /// Shards that have left a drive, and where to.
  using Gone = std::set<std::tuple<SetId, std::uint8_t, DriveIndex>>;
  /// Shards that are not, or not any more, on a drive, with the set's epoch by the same map.
  using Left = std::map<std::pair<SetId, std::uint8_t>, SetEpoch>;

  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> sleep(Clock::duration duration);
  std::vector<Source> sources() const;
  Task<> pull(const Source& source);
  Task<> refuse_older_epochs(const Source& source);
  Task<> pull_page(const Source& source, volume::RecordKey before, const std::vector<volume::RecordInfo>& page);
  Task<> copy_all(const Source& source, const std::vector<Copy>& copies);
  Task<std::uint64_t> copy(std::shared_ptr<volume::DriveService> from, Copy wanted);
  Task<> forget_freed(const std::vector<Copy>& copies);
  Task<> sync_targets(const Source& source);
  Task<> record_done(const Source& source);
  void count(std::uint64_t bytes);

  boost::asio::awaitable<void> remove_leftovers();
  Task<> remove_leftovers_of(volume::DriveService& drive);
  Task<> remove_page(DriveIndex drive, const std::vector<volume::RecordInfo>& page, const Left& left);

  Parts parts_;
  const Options options_;
  Gate gate_;
  boost::asio::steady_timer timer_;
  bool stopping_ = false;
  bool poked_ = false;
  struct Leaving {
    Gone gone;  ///< What had left the drive when it was looked at.
    Clock::time_point due{};
    bool removed = false;
  };
  std::map<DriveIndex, Leaving> leaving_;  // Of drives that are in.
  std::atomic<std::uint64_t> bytes_{0}, rate_{0};
  Clock::time_point rate_since_{};
  std::uint64_t rate_bytes_ = 0;
};

}  // namespace firn::server
