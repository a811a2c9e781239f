#include "firn/server/restore.h"

#include <memory>
#include <string>
#include <utility>

#include "drive_plan.h"
#include "drives.h"
#include "firn/base/runtime.h"
#include "firn/config/config.h"
#include "firn/metadata/node.h"
#include "firn/volume/disk.h"
#include "gather.h"

namespace firn::server {
namespace {

using State = volume::DriveInspection::State;

Error refusal(std::string message) { return client_error(Errc::invalid_argument, std::move(message)); }

Result<metadata::MapRecord> read_map(const std::filesystem::path& backup) {
  auto map = metadata::Node::inspect_backup(backup);
  if (!map) return refusal(backup.string() + " is no sound backup: " + map.error().detail);
  if (map->sets.empty()) return refusal(backup.string() + " is the backup of a cluster that never began");
  return map;
}

Result<> check_directory(const FoundDirectory& found, const metadata::MapRecord& map) {
  const std::string path = found.path.string();
  if (found.failure) return refusal(path + ": " + found.failure->detail);
  if (found.unmounted) return refusal(path + " is empty and not mounted as the other drives are");
  if (found.has_metadata) {
    return refusal(path + " holds metadata. A restore never replaces any: move " + path + "/meta away on every drive");
  }
  if (found.inspection.state == State::drive && found.inspection.identity->cluster != map.cluster) {
    return refusal(path + " is a drive of cluster " + to_string(found.inspection.identity->cluster) +
                   ", and the backup is one of cluster " + to_string(map.cluster));
  }
  return {};
}

Result<DrivePlan> plan_restore(const std::vector<FoundDirectory>& found, const metadata::MapRecord& map) {
  if (found.size() != map.drives.size()) {
    return refusal("the cluster has " + std::to_string(map.drives.size()) + " drives and " +
                   std::to_string(found.size()) + " directories are named: a restore needs all of them");
  }
  for (const auto& directory : found) {
    if (auto fits = check_directory(directory, map); !fits) return std::move(fits).error();
  }
  const auto& set = map.sets.front();
  auto plan = plan_drives(found, erasure::Shape{set.data_shards, set.parity_shards});
  if (plan) plan->cluster = map.cluster;
  return plan;
}

metadata::Node::Options node_options(const DrivePlan& plan) {
  metadata::Node::Options options{.drive_count = plan.drives, .losses = plan.shape.parity};
  for (const auto& place : plan.places) options.drives.push_back({place.index, place.path});
  return options;
}

/// The runtime runs while one of these lives.
class Running {
 public:
  explicit Running(Runtime& runtime) : runtime_(runtime) { runtime_.start(); }
  ~Running() { runtime_.stop(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Runtime& runtime_;
};

Task<Restored> prepare(Runtime& runtime, volume::Disk& disk, DrivePlan& plan) {
  CO_TRY_LET(const auto formatted, co_await format_drives(runtime, disk, plan));
  co_return Restored{plan.cluster, plan.shape, plan.places.size(), formatted.size()};
}

boost::asio::awaitable<Result<DrivePlan>> look(Runtime& runtime, volume::Disk& disk,
                                               const std::vector<std::filesystem::path>& drives,
                                               const metadata::MapRecord& map) {
  co_return plan_restore(co_await look_at_drives(runtime, disk, drives), map);
}

}  // namespace

Result<Restored> restore_metadata(const std::vector<std::filesystem::path>& drives,
                                  const std::filesystem::path& backup) {
  const auto map = read_map(backup);
  if (!map) return map.error();
  Runtime runtime(1);
  const auto disk = volume::make_uring_disk(runtime);
  if (!disk) return disk.error();
  const Running running(runtime);
  auto plan = wait_on(runtime.io(0), look(runtime, **disk, drives, *map));
  if (!plan) return std::move(plan).error();
  auto restored = wait_on(runtime.io(0), prepare(runtime, **disk, *plan));
  if (!restored) return restored;
  if (auto done = metadata::Node::restore(runtime, node_options(*plan), backup); !done) return std::move(done).error();
  return restored;
}

}  // namespace firn::server
