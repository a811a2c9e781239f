// What Storage does when its cluster grows, shrinks, or moves shards.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "firn/base/log.h"
#include "map_change.h"
#include "storage.h"

namespace firn::server {
namespace {

Error refusal(std::string message) { return client_error(Errc::invalid_request, std::move(message)); }

}  // namespace

void Storage::start_mover() {
  moves_ = std::make_unique<ShardMoves>(
      ShardMoves::Parts{.runtime = runtime_, .metadata = metadata(), .keeper = *keeper_, .maintenance = [this] {
                          return repairing_.load();
                        }});
  mover_ = std::make_unique<Mover>(
      Mover::Parts{.runtime = runtime_,
                   .metadata = metadata(),
                   .keeper = *keeper_,
                   .own = [this](DriveIndex drive) { return find_drive(drive); },
                   .remove_left = [this](DriveIndex drive, std::vector<volume::RecordKey> keys,
                                         SetEpoch until) { return remove_left(drive, std::move(keys), until); },
                   .find = [this](DriveIndex drive) { return find_service(drive); }},
      Mover::Options{.bytes_per_second = options_.move_bytes_per_second, .grace = options_.reclaim_grace});
  mover_->start();
  moving_ = mover_.get();
}

Task<> Storage::remove_left(DriveIndex index, std::vector<volume::RecordKey> keys, SetEpoch until) {
  const auto drive = find_drive(index);
  if (!drive) co_return error(Errc::drive_out, "absent");
  co_return co_await drive->remove_left(std::move(keys), until);
}

/// One look of the node that leads.
boost::asio::awaitable<void> Storage::grow() {
  const auto tell = [](const Result<>& done) {
    if (!done) log::warn("the cluster's growth: {} {}", to_string(done.error().code), done.error().detail);
  };
  tell(co_await admit_newcomers());
  co_await moves_->look();
  tell(co_await drop_retired());
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

Task<> Storage::drain(Leaving leaving, bool undo) {
  if (!cluster_) co_return refusal("Only drives of a cluster can be drained.");
  co_return co_await server::drain(*keeper_, std::move(leaving), undo);
}

Task<> Storage::retire(Leaving leaving) {
  if (!cluster_) co_return refusal("Only drives of a cluster can be retired.");
  if (leaving.node && cluster_->roster().retired(*leaving.node)) co_return refusal("The node is retired already.");
  if (leaving.node && !cluster_->roster().find(*leaving.node)) co_return refusal("There is no such node.");
  co_return co_await server::retire(metadata(), *keeper_, std::move(leaving));
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
