#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "firn/volume/drive_service.h"
#include "wire/messages.h"

namespace firn::volume {

/// The drives a shard server answers for, each with the number of its opening.
///
/// Threads: any.
class ServedDrives {
 public:
  struct Entry {
    wire::ServedDrive drive;
    std::shared_ptr<DriveService> service;
  };

  void serve(std::shared_ptr<DriveService> service, Uuid uuid);
  void withdraw(DriveIndex drive);
  std::vector<wire::ServedDrive> list() const;
  /// Errc::drive_out when there is none.
  Result<std::shared_ptr<DriveService>> find(DriveIndex drive) const;
  /// Errc::drive_out for another opening too.
  Result<std::shared_ptr<DriveService>> find(const wire::DriveRequest& target) const;

 private:
  mutable std::mutex mutex_;
  std::map<DriveIndex, Entry> drives_;
};

}  // namespace firn::volume
