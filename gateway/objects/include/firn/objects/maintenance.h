#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "firn/base/clock.h"
#include "firn/base/runtime.h"
#include "firn/metadata/client.h"
#include "firn/volume/client.h"

namespace firn::objects {

/// What every background worker works with. All outlive the workers.
struct MaintenanceContext {
  Runtime& runtime;
  metadata::Client& metadata;
  volume::Client& volumes;
  Clock& clock;
  /// The service of a drive, null when it is absent.
  std::function<std::shared_ptr<volume::DriveService>(DriveIndex)> drive;
  /// Extents under this lease and later ones are still being written.
  std::function<LeaseId()> first_open_lease;
};

/// Has the next orphan sweep of the drive begin at `from`, if it would begin later: records of that lease may have come
/// back. Recorded, so a crash forgets nothing. While Maintenance runs, its own `drive_returning` must be used instead.
Task<> sweep_again_from(metadata::Client& metadata, DriveIndex drive, LeaseId from);

/// What runs beside the clients: space of dead extents is given back, orphans of crashes and of uploads that broke off
/// are found, and extents short of a shard are made whole.
///
/// Threads: `start` and `stop` on io thread 0; all else from anywhere. With nothing to do it wakes about once a minute.
/// Durability: every step may be repeated after a crash; nothing is forgotten before its effect is durable.
class Maintenance {
 public:
  struct Options {
    /// How long a freed extent stays readable: longer than any one read of a record takes to reach its extents. A
    /// slower GET starts over or is cut.
    std::chrono::milliseconds reclaim_grace{30'000};
  };
  struct Progress {
    bool repairing = false;  ///< An extent is being rebuilt now.
    std::uint64_t extents_repaired = 0;
    std::uint64_t bytes_repaired = 0;  ///< Of the plain bytes of these extents.
    std::uint64_t repairs_failed = 0;
    std::uint64_t reports_dropped = 0;
  };

  static std::unique_ptr<Maintenance> make(MaintenanceContext context, Options options);
  virtual ~Maintenance() = default;
  virtual void start() = 0;
  virtual boost::asio::awaitable<void> stop() = 0;

  /// A read or a scrub found it bad: it will be recorded as missing, and rebuilt.
  virtual void record_damaged(const volume::DamagedRecord& record) = 0;
  /// The drive was out and is about to be in again: it may hold extents that were freed meanwhile. On io thread 0.
  virtual Task<> drive_returning(DriveIndex drive) = 0;
  /// It is in again: look for what it lacks and for what it should have forgotten.
  virtual void drive_returned(DriveIndex drive) = 0;
  virtual Progress progress() const = 0;
};

}  // namespace firn::objects
