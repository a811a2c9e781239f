#pragma once

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
};

/// What runs beside the clients: space of dead extents is given back, orphans of crashes are found, and extents short
/// of a shard are made whole.
///
/// Threads: `start` and `stop` on io thread 0; all else from anywhere. With nothing to do it wakes once a minute.
/// Durability: every step may be repeated after a crash; nothing is forgotten before its effect is durable.
class Maintenance {
 public:
  struct Progress {
    bool repairing = false;  ///< An extent is being rebuilt now.
    std::uint64_t extents_repaired = 0;
    std::uint64_t bytes_repaired = 0;  ///< Of the plain bytes of these extents.
    std::uint64_t repairs_failed = 0;
    std::uint64_t reports_dropped = 0;
  };

  /// `current_lease`: extents under it and later leases are still being written.
  static std::unique_ptr<Maintenance> make(MaintenanceContext context, LeaseId current_lease);
  virtual ~Maintenance() = default;
  virtual void start() = 0;
  virtual boost::asio::awaitable<void> stop() = 0;

  /// A read or a scrub found it bad: it will be recorded as missing, and rebuilt.
  virtual void record_damaged(const volume::DamagedRecord& record) = 0;
  /// The drive was out and is in again: it may lack shards, and hold extents that were freed meanwhile.
  virtual void drive_returned(DriveIndex drive) = 0;
  virtual Progress progress() const = 0;
};

}  // namespace firn::objects
