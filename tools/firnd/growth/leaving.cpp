#include "growth/leaving.h"

#include "growth/growth.h"
#include "map_lookup.h"

namespace firn::server {
namespace {

Error refusal(std::string message) { return client_error(Errc::invalid_request, std::move(message)); }

Error no_such_drive(DriveIndex drive) { return refusal("There is no drive " + std::to_string(drive.value + 1) + "."); }

Result<> check_retiring(const metadata::MapRecord& map, const std::vector<DriveIndex>& drives) {
  std::size_t left = 0;
  for (const auto drive : drives) {
    const auto* found = find_drive(map, drive);
    if (found == nullptr) return no_such_drive(drive);
    if (!found->leaving) return refusal("Drain it first: it still takes new data.");
    left += places_on(map, drive);
  }
  if (left == 0) return {};
  return refusal("Shards of " + std::to_string(left) + " sets are still to move away; firn status shows how far " +
                 "it is.");
}

Result<> check_draining(const metadata::MapRecord& map, const Leaving& leaving, bool undo) {
  for (const auto drive : leaving.drives) {
    if (find_drive(map, drive) == nullptr) return no_such_drive(drive);
  }
  const auto drives = leaving.node ? drives_of_node(map, *leaving.node) : leaving.drives;
  if (drives.empty()) return refusal("The node has no drives in this cluster.");
  return undo ? Result<>() : check_leaving(map, drives);
}

/// What the node's gateway may still write is never committed: its orphans can be swept.
Task<> close_leases(metadata::Client& metadata, NodeId node) {
  const auto entry = co_await metadata.find_config(gateway_entry(node));
  if (entry.code() == Errc::not_found) co_return Unit{};
  CO_TRY_LET(const std::string text, entry);
  Uuid gateway;
  if (!parse(text, gateway)) co_return error(Errc::corrupt, "the gateway's id in the configuration");
  CO_TRY_LET([[maybe_unused]] const LeaseId none, co_await metadata.register_gateway(gateway));
  co_return Unit{};
}

}  // namespace

std::string gateway_entry(NodeId node) { return "gateway/" + std::to_string(node.value); }

Task<> drain(MapKeeper& keeper, Leaving leaving, bool undo) {
  Result<> allowed;
  const auto begin_to_leave = [&](MapChange& change) {
    // Of the map that is changed: another drain may have come first.
    allowed = check_draining(change.map(), leaving, undo);
    if (!allowed) return;
    if (leaving.node) return change.set_node_leaving(*leaving.node, !undo);
    for (const auto drive : leaving.drives) change.set_leaving(drive, !undo);
  };
  CO_TRY(co_await keeper.change(begin_to_leave));
  co_return allowed;
}

Task<> retire(metadata::Client& metadata, MapKeeper& keeper, Leaving leaving) {
  const auto& map = keeper.current();
  if (leaving.node) leaving.drives = drives_of_node(map, *leaving.node);
  CO_TRY(check_retiring(map, leaving.drives));
  if (leaving.node) CO_TRY(co_await close_leases(metadata, *leaving.node));
  Result<> allowed;
  const auto drop = [&](MapChange& change) {
    allowed = check_retiring(change.map(), leaving.drives);  // Again: it may have been told to stay.
    if (!allowed) return;
    if (leaving.node) return change.retire_node(*leaving.node);
    for (const auto drive : leaving.drives) change.retire_drive(drive);
  };
  CO_TRY(co_await keeper.change(drop));
  co_return allowed;
}

}  // namespace firn::server
