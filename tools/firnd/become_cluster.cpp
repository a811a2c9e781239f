#include "firn/server/become_cluster.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "changeover.h"
#include "cluster/local_machine.h"
#include "drive_plan.h"
#include "drives.h"
#include "firn/base/runtime.h"
#include "firn/metadata/node.h"
#include "firn/volume/disk.h"
#include "gather.h"
#include "map_lookup.h"
#include "metadata_options.h"
#include "placement.h"
#include "running.h"

namespace firn::server {
namespace {

using metadata::MapRecord;

Error refusal(std::string message) { return client_error(Errc::invalid_argument, std::move(message)); }

std::string spelled(DriveIndex drive) { return "drive " + std::to_string(drive.value + 1); }

Result<> check_nodes(erasure::Shape shape, std::size_t nodes) {
  if (domains_suffice(nodes, shape)) return {};
  return refusal("erasure coding " + config::to_string(shape) + " over " + std::to_string(nodes) +
                 " nodes would not bear the loss of one: name more nodes");
}

/// Everything is there: what is missing now could come back as what it was.
Result<DrivePlan> plan_machine(const std::vector<FoundDirectory>& found, const config::Config& config) {
  auto plan = plan_drives(found, config.erasure);
  if (!plan) return plan;
  if (plan->first_start) return refusal("these drives hold no metadata: there is no machine that could become a node");
  for (const auto& place : plan->places) {
    if (place.action == DrivePlan::Action::open) continue;
    return refusal(spelled(place.index) + " is not there: name all drives, and bring back or replace those that are " +
                   "gone while the machine is still one by itself");
  }
  if (auto enough = check_nodes(plan->shape, config.cluster->nodes.size()); !enough) return std::move(enough).error();
  return plan;
}

Result<> check_map(const MapRecord& map, const DrivePlan& plan) {
  for (const auto& drive : map.drives) {
    const auto place = std::ranges::find(plan.places, drive.index, &DrivePlan::Place::index);
    if (place != plan.places.end() && place->drive == drive.uuid && !drive.out) continue;
    return refusal(spelled(drive.index) +
                   " is out, or was replaced and not taken yet: start firnd as before, and wait " +
                   "until `firn status` shows all drives as in");
  }
  return map.drives.empty() ? Result<>(refusal("the machine has never begun")) : Result<>();
}

/// The single machine's metadata, open and so locked against others.
Result<std::unique_ptr<metadata::Node>> open_single(Runtime& runtime, const DrivePlan& plan) {
  auto node = metadata::Node::open(runtime, machine_metadata(plan), {});
  if (node) return node;
  if (node.code() == Errc::already_exists) return refusal("firnd runs on these drives: stop it first");
  return refusal("the metadata can't be opened: " + node.error().detail);
}

/// The new metadata beside the old.
Result<> prepare(Runtime& runtime, const DrivePlan& plan, metadata::Node& single, NodeId own) {
  const auto backup = Changeover::folder(plan.places.front().path) / "backup";
  std::error_code code;
  for (const auto& place : plan.places) {
    if (!code) std::filesystem::create_directory(Changeover::folder(place.path), code);
  }
  if (code) return client_error(Errc::io_error, "make a folder on the drives: " + code.message());
  if (auto written = wait_on(runtime.io(0), single.backup(backup)); !written) return written;
  metadata::Node::ClusterOptions options{.local = node_metadata(plan), .node = own, .cluster = plan.cluster};
  for (auto& drive : options.local.drives) drive.directory = Changeover::folder(drive.directory);
  auto restored = metadata::Node::restore_cluster(runtime, std::move(options), backup, [own](MapRecord& map) {
    for (auto& drive : map.drives) drive.domain = domain_of(own);
  });
  std::filesystem::remove(backup, code);  // Whatever is left of it goes with the folder.
  return restored;
}

Result<BecameNode> begin(Runtime& runtime, const DrivePlan& plan, Changeover& changeover, BecameNode became) {
  auto single = open_single(runtime, plan);
  if (!single) return std::move(single).error();
  const auto map = wait_on(runtime.io(0), (*single)->client().cluster_map());
  if (!map) return map.error();
  if (auto fits = check_map(*map, plan); !fits) return std::move(fits).error();
  if (auto done = changeover.discard(); !done) return std::move(done).error();
  if (auto done = prepare(runtime, plan, **single, became.node); !done) return std::move(done).error();
  (*single)->stop();
  // Its locks stay until the end of this function.
  if (auto done = changeover.finish(); !done) return std::move(done).error();
  return became;
}

}  // namespace

Result<BecameNode> become_cluster(config::Config config) {
  if (!config.cluster) return refusal("name the nodes of the cluster: --nodes, as firnd will be started with");
  if (auto settled = config::settle_own_node(config, local_machine()); !settled) return std::move(settled).error();
  Changeover changeover(config.drives);
  if (auto locked = changeover.lock(); !locked) return std::move(locked).error();
  Runtime runtime(1);
  const auto disk = volume::make_uring_disk(runtime);
  if (!disk) return disk.error();
  const Running running(runtime);
  BecameNode became{.cluster = {},
                    .node = {config.cluster->own},
                    .nodes = config.cluster->nodes.size(),
                    .drives = config.drives.size()};
  if (changeover.state() == Changeover::State::decided) {
    if (auto done = changeover.finish(); !done) return std::move(done).error();
  }
  const bool finished = changeover.state() == Changeover::State::finished;
  const auto found = wait_on(runtime.io(0), look_at_drives(runtime, **disk, config.drives));
  if (finished) {
    for (const auto& directory : found) {
      if (directory.inspection.identity) became.cluster = directory.inspection.identity->cluster;
    }
    return became;
  }
  const auto plan = plan_machine(found, config);
  if (!plan) return plan.error();
  became.cluster = plan->cluster;
  return begin(runtime, *plan, changeover, became);
}

Result<> remain_single(const std::vector<std::filesystem::path>& drives) {
  Changeover changeover(drives);
  if (auto locked = changeover.lock(); !locked) return locked;
  return changeover.take_back();
}

}  // namespace firn::server
