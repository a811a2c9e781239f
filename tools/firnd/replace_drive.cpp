#include <algorithm>

#include "firn/base/log.h"
#include "owed_shards.h"
#include "random_bytes.h"
#include "storage.h"

namespace firn::server {
namespace {

using State = volume::DriveInspection::State;

Error refusal(std::string message) { return client_error(Errc::invalid_request, std::move(message)); }

Result<> check_directory(const FoundDirectory& found, const volume::DriveIdentity& expected) {
  const std::string path = found.path.string();
  if (found.failure) return refusal(path + ": " + found.failure->detail);
  if (found.unmounted) return refusal(path + " is empty and not mounted as the other drives are");
  if (found.inspection.state == State::foreign) return refusal(path + " holds something else");
  if (found.inspection.state == State::absent) return refusal(path + " is not there");
  if (found.inspection.state == State::empty) return {};
  const auto& identity = *found.inspection.identity;
  if (identity.cluster != expected.cluster) return refusal(path + " is a drive of another cluster");
  if (identity.index != expected.index) {
    return refusal(path + " is drive " + std::to_string(identity.index.value + 1) + " of this cluster");
  }
  return {};
}

}  // namespace

Task<> Storage::take_drive(DriveIndex index, std::filesystem::path directory) {
  if (taking_a_drive_) co_return client_error(Errc::conditional_request_conflict, "another drive is being taken");
  if (!background_.enter()) co_return error(Errc::cancelled, "stopping");
  const Gate::Pass pass(background_);
  taking_a_drive_ = true;
  auto taken = co_await exchange_drive(index, std::move(directory));
  taking_a_drive_ = false;
  co_return taken;
}

Task<> Storage::exchange_drive(DriveIndex index, std::filesystem::path directory) {
  const auto* planned = find_place(index);
  if (planned == nullptr) {
    co_return refusal((cluster_ ? "this node has no drive " : "there is no drive ") + std::to_string(index.value + 1));
  }
  DrivePlan::Place place = *planned;
  if (!directory.empty()) place.path = directory.lexically_normal();
  if (place.path.empty()) co_return refusal("there is no directory for this drive: name one");
  std::vector<std::filesystem::path> directories;
  for (const auto& other : plan_.places) {
    if (other.index == index || other.path.empty()) continue;
    if (other.path == place.path) co_return refusal(place.path.string() + " stands for another drive");
    directories.push_back(other.path);
  }
  directories.push_back(place.path);
  const auto found = co_await look_at_drives(runtime_, *disk_, directories);
  const FoundDirectory& here = found.back();
  CO_TRY(check_directory(here, {.cluster = plan_.cluster, .index = index}));
  const bool is_drive = here.inspection.state == State::drive;
  const auto before = find_drive(index);
  if (before && !before->fenced() && is_drive && here.inspection.identity->drive == before->identity().drive) {
    co_return refusal("drive " + std::to_string(index.value + 1) + " is in use and well");
  }
  place.action = is_drive ? DrivePlan::Action::open : DrivePlan::Action::format;
  keeper_->put_out(index, error(Errc::drive_out, "replaced by the operator"));
  CO_TRY(co_await keeper_->change([index](MapChange& change) { change.put_out(index); }));
  CO_TRY(co_await close_drive(index));
  find_place(index)->path = place.path;
  co_return co_await open_drive(std::move(place));
}

Task<> Storage::close_drive(DriveIndex index) {
  const auto drive = find_drive(index);
  if (!drive) co_return Unit{};
  volumes_->connect(index, nullptr);
  if (cluster_) cluster_->withdraw(index);
  if (const auto* place = find_place(index); place == nullptr || !place->added) node_->drive_failed(index);
  {
    const std::lock_guard lock(drives_mutex_);
    drives_.erase(index);
  }
  // A failed drive can't be flushed; what matters is that it is let go.
  if (const auto stopped = co_await drive->stop(); !stopped) {
    log::warn("closing drive {}: {}", index.value + 1, stopped.error().detail);
  }
  co_return Unit{};
}

Task<> Storage::open_drive(DrivePlan::Place place) {
  DrivePlan one{.cluster = plan_.cluster, .shape = plan_.shape, .drives = plan_.drives};
  one.places.push_back(std::move(place));
  CO_TRY(co_await format_drives(runtime_, *disk_, one));
  CO_TRY_LET(auto opened, co_await open_drives(runtime_, *disk_, one, drive_options()));
  if (opened.empty()) co_return refusal(one.places[0].why);
  const auto [index, drive] = *opened.begin();
  {
    const std::lock_guard lock(drives_mutex_);
    drives_.insert_or_assign(index, drive);
  }
  volumes_->connect(index, drive);
  if (cluster_) cluster_->serve(drive);
  if (!one.places[0].added) node_->drive_returned(index, drive->directory());
  co_return co_await admit_drive(index, drive->identity().drive);
}

/// Puts it in: at once if it is the drive that was there, else when what it owes is on the list.
Task<> Storage::admit_drive(DriveIndex index, Uuid uuid) {
  for (const auto& recorded : keeper_->current().drives) {
    if (recorded.index != index) continue;
    if (recorded.uuid == uuid) {
      CO_TRY_LET(const bool owes, co_await owes_its_list(metadata(), recorded));
      if (!owes) {
        co_await put_in_and_repair(index);
        co_return Unit{};
      }
    }
    CO_TRY(co_await metadata().put_config(replacement_entry(index), to_string(uuid)));
    {
      const std::lock_guard lock(drives_mutex_);
      owing_.insert(index);
    }
    CO_TRY(co_await keeper_->change([index, uuid](MapChange& change) { change.replace(index, uuid); }));
    spawn_replacement(index);
    co_return Unit{};
  }
  co_return error(Errc::internal, "the cluster map has no such drive");
}

}  // namespace firn::server
