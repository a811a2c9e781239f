#include "firn/server/restore.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "cluster/node_plan.h"
#include "drive_plan.h"
#include "drives.h"
#include "firn/base/runtime.h"
#include "firn/config/config.h"
#include "firn/metadata/node.h"
#include "firn/volume/disk.h"
#include "gather.h"
#include "map_lookup.h"
#include "metadata_options.h"
#include "running.h"

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

/// What the directories say themselves, or else what was said of them.
Result<NodeId> find_node(const std::vector<FoundDirectory>& found, const metadata::MapRecord& map, NodeId said) {
  for (const auto& directory : found) {
    if (directory.failure || directory.inspection.state != State::drive) continue;
    const NodeId owner = owner_of(map, directory.inspection.identity->index);
    if (said.value != 0 && owner != said) {
      return refusal(directory.path.string() + " is a drive of node " + std::to_string(owner.value));
    }
    said = owner;
  }
  if (said.value != 0) return said;
  return refusal("the backup is a cluster's: --node says which node's drives these are");
}

Result<DrivePlan> plan_node_restore(const std::vector<FoundDirectory>& found, const metadata::MapRecord& map,
                                    NodeId node) {
  for (const auto& directory : found) {
    if (auto fits = check_directory(directory, map); !fits) return std::move(fits).error();
  }
  const auto& set = map.sets.front();
  const erasure::Shape shape{set.data_shards, set.parity_shards};
  auto survey = survey_drives(found, shape);
  if (!survey) return std::move(survey).error();
  survey->cluster = map.cluster;
  survey->shape = shape;
  survey->drives_total = static_cast<std::uint16_t>(map.drives.size());
  return plan_node(found, *survey, drives_of_node(map, node));
}

Task<Restored> prepare(Runtime& runtime, volume::Disk& disk, DrivePlan& plan) {
  CO_TRY_LET(const auto formatted, co_await format_drives(runtime, disk, plan));
  co_return Restored{plan.cluster, plan.shape, plan.places.size(), formatted.size(), {}};
}

Result<> restore_node(Runtime& runtime, const DrivePlan& plan, NodeId node, const std::filesystem::path& backup) {
  metadata::Node::ClusterOptions options{.local = node_metadata(plan), .node = node, .cluster = plan.cluster};
  return metadata::Node::restore_cluster(runtime, std::move(options), backup);
}

}  // namespace

Result<Restored> restore_metadata(const std::vector<std::filesystem::path>& drives, const std::filesystem::path& backup,
                                  NodeId said) {
  const auto map = read_map(backup);
  if (!map) return map.error();
  Runtime runtime(1);
  const auto disk = volume::make_uring_disk(runtime);
  if (!disk) return disk.error();
  const Running running(runtime);
  const auto found = wait_on(runtime.io(0), look_at_drives(runtime, **disk, drives));
  NodeId node;
  if (spans_nodes(*map)) {
    const auto settled = find_node(found, *map, said);
    if (!settled) return settled.error();
    node = *settled;
  }
  auto plan = node.value == 0 ? plan_restore(found, *map) : plan_node_restore(found, *map, node);
  if (!plan) return std::move(plan).error();
  auto restored = wait_on(runtime.io(0), prepare(runtime, **disk, *plan));
  if (!restored) return restored;
  auto done = node.value == 0 ? metadata::Node::restore(runtime, machine_metadata(*plan), backup)
                              : restore_node(runtime, *plan, node, backup);
  if (!done) return std::move(done).error();
  restored->node = node;
  return restored;
}

}  // namespace firn::server
