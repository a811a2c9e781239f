// What Storage does when its cluster grows, shrinks, or moves shards.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "firn/base/log.h"
#include "growth/growth.h"
#include "map_change.h"
#include "owed_shards.h"
#include "storage.h"

namespace firn::server {
namespace {

Error refusal(std::string message) { return client_error(Errc::invalid_request, std::move(message)); }

Error no_such_drive(DriveIndex drive) { return refusal("There is no drive " + std::to_string(drive.value + 1) + "."); }

std::set<DriveIndex> receiving(const metadata::MapRecord& map) {
  std::set<DriveIndex> drives;
  for (const auto& set : map.sets) {
    for (const auto& move : set.moves) {
      if (!move.done) drives.insert(set.members[move.shard]);
    }
  }
  return drives;
}

}  // namespace

void Storage::start_mover() {
  mover_ = std::make_unique<Mover>(
      Mover::Parts{.runtime = runtime_,
                   .metadata = metadata(),
                   .keeper = *keeper_,
                   .own = [this](DriveIndex drive) { return find_drive(drive); },
                   .find = [this](DriveIndex drive) { return find_service(drive); }},
      Mover::Options{.bytes_per_second = options_.move_bytes_per_second, .grace = options_.reclaim_grace});
  mover_->start();
  moving_ = mover_.get();
}

/// One look of the node that leads.
boost::asio::awaitable<void> Storage::grow() {
  for (const auto& change :
       {&Storage::admit_newcomers, &Storage::move_shards, &Storage::sweep_receivers, &Storage::drop_retired}) {
    const auto done = co_await (this->*change)();
    if (!done) log::warn("the cluster's growth: {} {}", to_string(done.error().code), done.error().detail);
  }
}

Task<> Storage::admit_newcomers() {
  for (const auto& hello : cluster_->newcomers()) {
    log::info("node {} ({}:{}) is let in, with {} drives", hello.node.value, hello.host, hello.port, hello.drive_count);
    CO_TRY(co_await keeper_->change([&hello](MapChange& change) {
      change.add_node({.node = hello.node, .host = hello.host, .port = hello.port}, hello.drive_count);
    }));
  }
  co_return Unit{};
}

Task<> Storage::move_shards() {
  const auto& map = keeper_->current();
  if (map.version == level_version_ || giving_up_) co_return Unit{};
  const auto version = map.version;
  const auto step = next_growth_step(map);
  if (step.begin.empty() && step.give_up.empty() && step.add_sets == 0) level_version_ = version;
  if (!step.give_up.empty() && background_.enter()) {
    giving_up_ = true;
    boost::asio::co_spawn(runtime_.io(0), give_up(step.give_up), boost::asio::detached);  // close() waits at the gate.
  }
  if (step.begin.empty() && step.add_sets == 0) co_return Unit{};
  co_return co_await keeper_->change([&](MapChange& change) {
    if (keeper_->current().version != version) return;  // Planned for another map.
    for (const auto& move : step.begin) change.begin_move(move.set, move.shard, move.to);
    change.add_sets(step.add_sets);
  });
}

/// Shards whose drive is out and is to leave: first all they are to hold is on the list of what is missing, then their
/// place is another drive's, and repair fills it.
boost::asio::awaitable<void> Storage::give_up(std::vector<PlannedMove> moves) {
  const Gate::Pass pass(background_);
  for (const auto& move : moves) {
    auto done = co_await record_owed_shard(metadata(), move.set, move.shard);
    if (done) {
      done = co_await keeper_->change([&move](MapChange& change) { change.give_up(move.set, move.shard, move.to); });
    }
    if (done) continue;
    log::warn("a shard of a drive that is gone could not be given another: {}", done.error().detail);
    break;
  }
  giving_up_ = false;
  if (auto* maintenance = repairing_.load()) {
    for (const auto& move : moves) maintenance->drive_returned(move.to);  // There is something to repair.
  }
}

/// An extent freed while it was copied may have come to its drive after the drive was told to forget it.
Task<> Storage::sweep_receivers() {
  const auto now = receiving(keeper_->current());
  const auto before = std::exchange(receiving_, now);
  for (const auto drive : before) {
    if (now.contains(drive) || !is_in(keeper_->current(), drive)) continue;
    CO_TRY(co_await maintenance_->drive_returning(drive));
    maintenance_->drive_returned(drive);
  }
  co_return Unit{};
}

/// A retired node has no voice any more. One that voted is first replaced.
Task<> Storage::drop_retired() {
  const auto members = node_->members();
  for (const auto& member : members) {
    if (!cluster_->roster().retired(member.node) || member.node == cluster_->own()) continue;
    const auto heir = std::ranges::find_if(members, [this](const auto& other) {
      return !other.voter && other.recently_heard && !cluster_->roster().retired(other.node);
    });
    if (member.voter && heir != members.end()) {
      CO_TRY(co_await node_->change_members(metadata::Node::MemberChange::make_voter, heir->node));
    }
    CO_TRY(co_await node_->change_members(metadata::Node::MemberChange::remove, member.node));
    log::info("node {} has left the metadata", member.node.value);
  }
  co_return Unit{};
}

Task<> Storage::drain(std::vector<DriveIndex> drives, std::optional<NodeId> node, bool undo) {
  if (!cluster_) co_return refusal("Only drives of a cluster can be drained.");
  const auto& map = keeper_->current();
  for (const auto drive : drives) {
    if (server::find_drive(map, drive) == nullptr) co_return no_such_drive(drive);
  }
  if (node) drives = drives_of_node(map, *node);
  if (drives.empty()) co_return refusal("The node has no drives in this cluster.");
  if (!undo) CO_TRY(check_leaving(map, drives));
  co_return co_await keeper_->change([&](MapChange& change) {
    if (node) return change.set_node_leaving(*node, !undo);
    for (const auto drive : drives) change.set_leaving(drive, !undo);
  });
}

Task<> Storage::retire(std::vector<DriveIndex> drives, std::optional<NodeId> node) {
  if (!cluster_) co_return refusal("Only drives of a cluster can be retired.");
  const auto& map = keeper_->current();
  if (node && cluster_->roster().retired(*node)) co_return refusal("The node is retired already.");
  if (node) drives = drives_of_node(map, *node);
  std::size_t left = 0;
  for (const auto drive : drives) {
    const auto* found = server::find_drive(map, drive);
    if (found == nullptr) co_return no_such_drive(drive);
    if (!found->leaving) co_return refusal("Drain it first: it still takes new data.");
    left += places_on(map, drive);
  }
  if (node && !cluster_->roster().find(*node)) co_return refusal("There is no such node.");
  if (left > 0) {
    co_return refusal("Shards of " + std::to_string(left) + " sets are still to move away; firn status shows how far " +
                      "it is.");
  }
  if (node) CO_TRY(co_await close_leases(*node));
  co_return co_await keeper_->change([&](MapChange& change) {
    if (node) return change.retire_node(*node);
    for (const auto drive : drives) change.retire_drive(drive);
  });
}

/// What the node's gateway may still write is never committed: its orphans can be swept.
Task<> Storage::close_leases(NodeId node) {
  const auto entry = co_await metadata().find_config(gateway_entry(node));
  if (entry.code() == Errc::not_found) co_return Unit{};
  CO_TRY_LET(const std::string text, entry);
  Uuid gateway;
  if (!parse(text, gateway)) co_return error(Errc::corrupt, "the gateway's id in the configuration");
  CO_TRY_LET([[maybe_unused]] const LeaseId none, co_await metadata().register_gateway(gateway));
  co_return Unit{};
}

/// Another directory of this machine becomes a drive.
Task<> Storage::add_drive(std::filesystem::path directory) {
  if (!cluster_) co_return refusal("Only a cluster takes more drives.");
  if (taking_a_drive_) co_return client_error(Errc::conditional_request_conflict, "another drive is being taken");
  if (!background_.enter()) co_return error(Errc::cancelled, "stopping");
  const Gate::Pass pass(background_);
  directory = directory.lexically_normal();
  for (const auto& place : plan_.places) {
    if (place.path == directory) co_return refusal(directory.string() + " is a drive already");
  }
  std::vector<std::filesystem::path> directories(1, directory);
  const auto found = co_await look_at_drives(runtime_, *disk_, directories);
  if (found.front().failure || found.front().inspection.state != volume::DriveInspection::State::empty) {
    co_return refusal(directory.string() + " is not an empty directory");
  }
  taking_a_drive_ = true;
  auto added = co_await open_added_drive(std::move(directory));
  taking_a_drive_ = false;
  co_return added;
}

Task<> Storage::open_added_drive(std::filesystem::path directory) {
  const NodeId own = cluster_->own();
  std::optional<DriveIndex> index;
  CO_TRY(co_await keeper_->change([&](MapChange& change) { index = change.add_drive(own); }));
  DrivePlan::Place place{
      .index = *index, .action = DrivePlan::Action::format, .path = std::move(directory), .added = true};
  plan_.places.push_back(place);
  log::info("drive {} is added: {}", index->value + 1, place.path.string());
  co_return co_await open_drive(std::move(place));
}

}  // namespace firn::server
