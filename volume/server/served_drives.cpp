#include "server/served_drives.h"

#include <span>
#include <string>
#include <utility>

#include "firn/base/digest.h"

namespace firn::volume {

void ServedDrives::serve(std::shared_ptr<DriveService> service, Uuid uuid) {
  Entry entry{.drive = {.index = service->index(), .uuid = uuid, .opening = 0}, .service = std::move(service)};
  fill_random(std::as_writable_bytes(std::span(&entry.drive.opening, 1)));
  const std::lock_guard lock(mutex_);
  drives_.insert_or_assign(entry.drive.index, std::move(entry));
}

void ServedDrives::withdraw(DriveIndex drive) {
  const std::lock_guard lock(mutex_);
  drives_.erase(drive);
}

std::vector<wire::ServedDrive> ServedDrives::list() const {
  std::vector<wire::ServedDrive> all;
  const std::lock_guard lock(mutex_);
  all.reserve(drives_.size());
  for (const auto& [index, entry] : drives_) all.push_back(entry.drive);
  return all;
}

Result<std::shared_ptr<DriveService>> ServedDrives::find(DriveIndex drive) const {
  const std::lock_guard lock(mutex_);
  const auto found = drives_.find(drive);
  if (found != drives_.end()) return found->second.service;
  return error(Errc::drive_out, "drive " + std::to_string(drive.value) + " is not served here");
}

Result<std::shared_ptr<DriveService>> ServedDrives::find(const wire::DriveRequest& target) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = drives_.find(target.drive);
    if (found != drives_.end() && found->second.drive.opening == target.opening) return found->second.service;
  }
  return error(Errc::drive_out, "drive " + std::to_string(target.drive.value) + " has been opened again, or is gone");
}

}  // namespace firn::volume
