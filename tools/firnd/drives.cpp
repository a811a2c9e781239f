#include "drives.h"

#include <sys/stat.h>

#include <utility>

#include "firn/base/clock.h"
#include "firn/base/log.h"
#include "gather.h"
#include "random_bytes.h"

namespace firn::server {
namespace {

/// The metadata tier makes this on every drive before anything is acknowledged (docs/formats/log-set.md).
constexpr std::string_view kMetadataMark = "meta/logset";
/// Its logs: docs/formats/log.md, docs/formats/raft-log.md.
constexpr std::string_view kSingleLog = "meta/log";
constexpr std::string_view kClusterLog = "meta/raft";

MetadataKind metadata_kind(const std::filesystem::path& drive) {
  std::error_code ignored;
  if (std::filesystem::exists(drive / kClusterLog, ignored)) return MetadataKind::cluster;
  return std::filesystem::exists(drive / kSingleLog, ignored) ? MetadataKind::single : MetadataKind::unknown;
}

/// The directory lies on another file system than its parent.
bool is_mount_point(const std::filesystem::path& path) {
  struct stat own{}, parent{};
  return stat(path.c_str(), &own) == 0 && stat(path.parent_path().c_str(), &parent) == 0 && own.st_dev != parent.st_dev;
}

/// Where every drive is a mount point, an empty directory that is none is one whose file system is missing.
void mark_unmounted(std::vector<FoundDirectory>& found) {
  bool all_mounted = false;
  for (const auto& directory : found) {
    if (directory.failure || directory.inspection.state != volume::DriveInspection::State::drive) continue;
    if (!is_mount_point(directory.path)) return;
    all_mounted = true;
  }
  for (auto& directory : found) {
    directory.unmounted = all_mounted && !directory.failure &&
                          directory.inspection.state == volume::DriveInspection::State::empty &&
                          !is_mount_point(directory.path);
  }
}

Task<DriveIndex> format_one(volume::Disk& disk, DrivePlan::Place& place, volume::DriveIdentity identity) {
  identity.drive = random_uuid();
  if (place.added) identity.drives = 0;
  identity.index = place.index;
  CO_TRY(co_await volume::Drive::format(disk, place.path.string(), identity));
  place.drive = identity.drive;
  co_return place.index;
}

/// Whether the start must end, and not go on without the drive: somebody else's claim, or a format from the future.
bool ends_the_start(Errc code) { return code == Errc::already_exists || code == Errc::unsupported_version; }

std::string explain(const DrivePlan::Place& place, const Error& failure) {
  if (failure.code == Errc::already_exists) return place.path.string() + " is in use by another process";
  if (failure.code == Errc::unsupported_version) return place.path.string() + " was written by a newer version of Firn";
  return place.path.string() + ": " + std::string(to_string(failure.code)) + " " + failure.detail;
}

}  // namespace

boost::asio::awaitable<std::vector<FoundDirectory>> look_at_drives(Runtime& runtime, volume::Disk& disk,
                                                                   const std::vector<std::filesystem::path>& paths) {
  std::vector<Task<volume::DriveInspection>> tasks;
  for (const auto& path : paths) tasks.push_back(volume::Drive::inspect(disk, path.string()));
  auto inspections = co_await gather(runtime, std::move(tasks));
  std::vector<FoundDirectory> found;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    FoundDirectory directory{.path = paths[i]};
    std::error_code ignored;
    directory.has_metadata = std::filesystem::exists(paths[i] / kMetadataMark, ignored);
    if (directory.has_metadata) directory.metadata = metadata_kind(paths[i]);
    if (inspections[i]) {
      directory.inspection = *inspections[i];
    } else {
      directory.failure = inspections[i].error();
    }
    found.push_back(std::move(directory));
  }
  mark_unmounted(found);
  co_return found;
}

Task<std::vector<DriveIndex>> format_drives(Runtime& runtime, volume::Disk& disk, DrivePlan& plan) {
  if (plan.cluster == Uuid{}) plan.cluster = random_uuid();
  const volume::DriveIdentity identity{.cluster = plan.cluster,
                                       .shape = plan.shape,
                                       .drives = plan.drives,
                                       .created_unix_ms = system_clock_source().now_unix_ms()};
  std::vector<Task<DriveIndex>> tasks;
  for (auto& place : plan.places) {
    if (place.action == DrivePlan::Action::format) tasks.push_back(format_one(disk, place, identity));
  }
  std::vector<DriveIndex> formatted;
  for (auto& result : co_await gather(runtime, std::move(tasks))) {
    CO_TRY_LET(const DriveIndex index, std::move(result));
    for (auto& place : plan.places) {
      if (place.index == index) place.action = DrivePlan::Action::open;
    }
    formatted.push_back(index);
  }
  co_return formatted;
}

Task<Drives> open_drives(Runtime& runtime, volume::Disk& disk, DrivePlan& plan, volume::Drive::Options options) {
  options.cluster = plan.cluster;
  std::vector<Task<std::shared_ptr<volume::Drive>>> tasks;
  std::vector<DrivePlan::Place*> opened;
  for (auto& place : plan.places) {
    if (place.action != DrivePlan::Action::open) continue;
    tasks.push_back(volume::Drive::open(runtime, disk, place.path.string(), options));
    opened.push_back(&place);
  }
  auto results = co_await gather(runtime, std::move(tasks));
  Drives drives;
  std::optional<Error> refusal;
  for (std::size_t i = 0; i < results.size(); ++i) {
    auto& place = *opened[i];
    if (results[i]) {
      drives.emplace(place.index, *std::move(results[i]));
      continue;
    }
    place.why = explain(place, results[i].error());
    place.action = DrivePlan::Action::without;
    log::error("{}", place.why);
    if (ends_the_start(results[i].error().code)) refusal = client_error(results[i].error().code, place.why);
  }
  if (!refusal) co_return drives;
  for (const auto& [index, drive] : drives) {
    if (Result<> stopped = co_await drive->stop(); !stopped) log::error("{}", stopped.error().detail);
  }
  co_return *std::move(refusal);
}

}  // namespace firn::server
