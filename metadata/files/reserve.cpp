#include "files/reserve.h"

#include <fcntl.h>

#include <algorithm>

#include "files/posix_file.h"
#include "firn/base/log.h"

namespace firn::metadata {

bool Reserve::take(const Drive& drive) const {
  Result<PosixFile> file = PosixFile::open(drive.file, O_RDWR | O_CREAT);
  if (!file) return false;
  const Result<std::uint64_t> size = file->size();
  if (size && *size == bytes_) return true;
  if (file->allocate(bytes_)) return true;
  // Half a reserve would keep space from those who need it now.
  (void)file->truncate(0);
  return false;
}

void Reserve::count() {
  const auto held = [](const auto& drive) { return drive.second.held; };
  given_up_.store(drives_.size() - static_cast<std::size_t>(std::ranges::count_if(drives_, held)),
                  std::memory_order_release);
}

void Reserve::watch(DriveIndex drive, const std::filesystem::path& directory) {
  const std::lock_guard lock(mutex_);
  if (bytes_ == 0) return;
  Drive& entry = drives_[drive];
  entry.file = directory / "meta" / "reserve";
  entry.held = take(entry);
  count();
}

void Reserve::forget(DriveIndex drive) {
  const std::lock_guard lock(mutex_);
  drives_.erase(drive);
  count();
}

bool Reserve::release(DriveIndex drive) {
  const std::lock_guard lock(mutex_);
  const auto found = drives_.find(drive);
  if (found == drives_.end() || !found->second.held) return false;
  found->second.held = false;
  count();
  log::warn("metadata: drive {} is full, its reserve is given up", drive.value);
  Result<PosixFile> file = PosixFile::open(found->second.file, O_RDWR);
  return file && file->truncate(0);
}

void Reserve::refill() {
  const std::lock_guard lock(mutex_);
  for (auto& [index, drive] : drives_) {
    if (drive.held) continue;
    drive.held = take(drive);
    if (drive.held) log::info("metadata: drive {} has its reserve again", index.value);
  }
  count();
}

}  // namespace firn::metadata
