#include "firn/server/force_membership.h"

#include <algorithm>
#include <string>
#include <utility>

#include "drive_plan.h"
#include "drives.h"
#include "firn/base/runtime.h"
#include "firn/volume/disk.h"
#include "gather.h"
#include "metadata_options.h"
#include "running.h"

namespace firn::server {
namespace {

using State = volume::DriveInspection::State;

Error refusal(std::string message) { return client_error(Errc::invalid_argument, std::move(message)); }

boost::asio::awaitable<Result<metadata::Node::Options>> look(Runtime& runtime, volume::Disk& disk,
                                                             const std::vector<std::filesystem::path>& drives) {
  const auto found = co_await look_at_drives(runtime, disk, drives);
  // As the node itself opens its metadata.
  metadata::Node::Options options{.drive_count = static_cast<std::uint16_t>(found.size()),
                                  .losses = node_losses(found.size())};
  for (const auto& directory : found) {
    if (directory.failure || directory.inspection.state != State::drive) continue;
    options.drives.push_back({directory.inspection.identity->index, directory.path});
  }
  if (options.drives.empty()) co_return refusal("none of these directories is a drive");
  std::ranges::sort(options.drives, {}, &metadata::Node::Drive::index);
  co_return options;
}

}  // namespace

Result<metadata::Node::ForcedMembership> force_membership(const std::vector<std::filesystem::path>& drives,
                                                          bool force) {
  Runtime runtime(1);
  const auto disk = volume::make_uring_disk(runtime);
  if (!disk) return disk.error();
  const Running running(runtime);
  const auto options = wait_on(runtime.io(0), look(runtime, **disk, drives));
  if (!options) return options.error();
  auto outcome = metadata::Node::force_membership(*options, force);
  if (outcome) return outcome;
  if (outcome.code() == Errc::already_exists) return refusal("firnd runs on these drives: stop it first");
  return refusal("the membership can't be forced here: " + outcome.error().detail);
}

}  // namespace firn::server
