#include <algorithm>
#include <boost/json/array.hpp>

#include "admin.h"
#include "firn/config/config.h"
#include "map_change.h"

namespace firn::server {
namespace {

/// People count drives from one.
std::uint64_t spoken(DriveIndex drive) { return drive.value + std::uint64_t{1}; }

boost::json::array spoken(const std::vector<DriveIndex>& drives) {
  boost::json::array numbers;
  for (const auto drive : drives) numbers.emplace_back(spoken(drive));
  return numbers;
}

void add_stats(boost::json::object& json, const volume::DriveStats& stats) {
  json["appended_bytes"] = stats.appended_bytes;
  json["read_bytes"] = stats.read_bytes;
  json["flushes"] = stats.flushes;
  json["rewritten_bytes"] = stats.rewritten_bytes;
  json["scrubbed_bytes"] = stats.scrubbed_bytes;
  json["damaged_records"] = stats.damaged_records;
  const auto& scrub = stats.scrub;
  json["scrub"] = boost::json::object{{"round_begun_unix_ms", scrub.begun_unix_ms},
                                      {"last_round_ended_unix_ms", scrub.ended_unix_ms},
                                      {"records", scrub.records},
                                      {"bytes", scrub.bytes},
                                      {"damaged", scrub.damaged}};
}

Task<boost::json::object> drive_status(Storage& storage, DrivePlan::Place place, bool in, std::string uuid) {
  const auto drive = storage.find_drive(place.index);
  boost::json::object json{{"drive", spoken(place.index)},
                           {"path", drive ? drive->directory() : place.path.string()},
                           {"uuid", std::move(uuid)},
                           {"state", in      ? "in"
                                     : drive ? "out"
                                             : "absent"}};
  if (!drive) {
    json["why"] = place.why;
    co_return json;
  }
  json["fenced"] = drive->fenced();
  if (const auto usage = co_await drive->usage()) {
    json["capacity_bytes"] = usage->capacity_bytes;
    json["allocated_bytes"] = usage->allocated_bytes;
    json["live_bytes"] = usage->live_bytes;
  }
  add_stats(json, drive->stats());
  co_return json;
}

/// Of another node: that node says more.
Task<boost::json::object> remote_drive_status(Storage& storage, const volume::DriveEntry& entry) {
  boost::json::object json{{"drive", spoken(entry.index)}, {"path", ""}, {"uuid", to_string(entry.uuid)}};
  const bool in = entry.state == volume::DriveState::in;
  const auto service = storage.find_service(entry.index);
  json["state"] = in ? "in" : "out";
  if (!in || !service) co_return json;
  if (const auto usage = co_await service->usage()) {
    json["capacity_bytes"] = usage->capacity_bytes;
    json["allocated_bytes"] = usage->allocated_bytes;
    json["live_bytes"] = usage->live_bytes;
  }
  co_return json;
}

boost::json::array nodes_of(Storage& storage, const volume::ClusterMap& map) {
  const Cluster& cluster = *storage.cluster();
  const auto peers = cluster.peers();
  const auto members = storage.node().members();
  boost::json::array nodes;
  for (const NodeId id : cluster.roster().nodes()) {
    const auto address = cluster.roster().find(id);
    if (!address) continue;
    const auto peer = std::ranges::find(peers, id, &volume::PeerStatus::node);
    const auto member = std::ranges::find(members, id, &metadata::Node::Member::node);
    std::uint64_t drives = 0, in = 0;
    for (const auto& [index, entry] : map.drives) {
      if (node_of(entry.domain) != id) continue;
      ++drives;
      in += map.is_in(index) ? 1 : 0;
    }
    const char* state = id == cluster.own() ? "here" : peer != peers.end() && peer->reachable ? "reached" : "lost";
    nodes.push_back(boost::json::object{{"node", id.value},
                                        {"address", address->host + ":" + std::to_string(address->port)},
                                        {"state", state},
                                        {"why", peer == peers.end() ? std::string() : peer->why_not},
                                        {"votes", member != members.end() && member->voter},
                                        {"leads", storage.node().leader() == id},
                                        {"drives", drives},
                                        {"drives_in", in}});
  }
  return nodes;
}

boost::json::object metadata_status(const metadata::Node::Status& status) {
  return {{"log_set", status.log_set},
          {"drives", spoken(status.members)},
          {"full_size", status.full_size},
          {"short_of_space", status.short_of_space},
          {"failed", status.failed},
          {"applied_index", status.applied_index},
          {"persisted_index", status.persisted_index},
          {"log_bytes", status.log_bytes},
          {"copies_repaired", status.copies_repaired}};
}

boost::json::array sets_of(const volume::ClusterMap& map) {
  boost::json::array sets;
  for (const auto& [id, set] : map.sets) {
    sets.push_back(boost::json::object{{"set", id.value},
                                       {"epoch", set.epoch.value},
                                       {"open", set.open},
                                       {"erasure", config::to_string(set.shape)},
                                       {"drives", spoken(set.members)}});
  }
  return sets;
}

/// Extents on the list of missing shards.
struct Owed {
  std::uint64_t extents = 0;
  std::uint64_t bytes = 0;
  std::uint64_t waiting = 0;  ///< Of these: a shard belongs on a drive that is out.
  bool more = false;          ///< There are others, not counted.
};

/// A list of millions is not walked to answer one request.
constexpr std::uint64_t kOwedCountedMax = 100'000;

Task<Owed> count_owed(Storage& storage) {
  constexpr std::size_t kPage = 1'000;
  const auto map = storage.volumes().map();
  Owed owed;
  ExtentId after;
  while (owed.extents < kOwedCountedMax) {
    CO_TRY_LET(const auto page, co_await storage.metadata().list_degraded(after, kPage));
    for (const auto& extent : page) {
      const auto* set = map->find_set(extent.set);
      ++owed.extents;
      owed.bytes += extent.extent_bytes;
      owed.waiting += set == nullptr || (extent.missing & map->shards_out(*set)) != 0 ? 1 : 0;
      after = extent.extent;
    }
    if (page.size() < kPage) co_return owed;
  }
  owed.more = true;
  co_return owed;
}

}  // namespace

Task<boost::json::object> Admin::repair_status() {
  CO_TRY_LET(const Owed owed, co_await count_owed(storage_));
  const auto progress = storage_.repair_progress();
  const char* state = progress.repairing            ? "repairing"
                      : owed.extents > owed.waiting ? "queued"
                      : owed.extents > 0            ? "waiting for a drive"
                                                    : "idle";
  co_return boost::json::object{{"state", state},
                                {"extents_owed", owed.extents},
                                {"bytes_owed", owed.bytes},
                                {"extents_waiting_for_a_drive", owed.waiting},
                                {"more_are_owed", owed.more},
                                {"extents_repaired", progress.extents_repaired},
                                {"bytes_repaired", progress.bytes_repaired},
                                {"repairs_failed", progress.repairs_failed},
                                {"reports_dropped", progress.reports_dropped}};
}

Task<boost::json::object> Admin::status() {
  const auto map = storage_.volumes().map();
  CO_TRY_LET(const auto below, co_await storage_.metadata().count_below_full_redundancy());
  CO_TRY_LET(auto repair, co_await repair_status());
  CO_TRY_LET(auto drives, co_await drives_status());
  std::optional<boost::json::object> growth;
  if (storage_.cluster() != nullptr) {
    CO_TRY_LET(growth, co_await growth_status(drives));
  }
  boost::json::object status{{"cluster", to_string(map->cluster)},
                             {"erasure", config::to_string(storage_.plan().shape)},
                             {"map_version", map->version},
                             {"write_quorum", storage_.write_quorum()},
                             {"objects_below_full_redundancy", below},
                             {"repair", std::move(repair)},
                             {"drives", std::move(drives)},
                             {"sets", sets_of(*map)},
                             {"metadata", metadata_status(storage_.node().status())}};
  if (growth) {
    status["growth"] = *std::move(growth);
    status["nodes"] = nodes_of(storage_, *map);
  }
  co_return status;
}

/// All of the cluster, in the order of their numbers.
Task<boost::json::array> Admin::drives_status() {
  const auto map = storage_.volumes().map();
  const auto places = storage_.plan().places;
  boost::json::array drives;
  for (const auto& [index, entry] : map->drives) {
    const auto place = std::ranges::find(places, index, &DrivePlan::Place::index);
    boost::json::object json;
    if (place == places.end()) {
      CO_TRY_LET(json, co_await remote_drive_status(storage_, entry));
    } else {
      CO_TRY_LET(json, co_await drive_status(storage_, *place, map->is_in(index), to_string(entry.uuid)));
    }
    if (const NodeId node = node_of(entry.domain); node.value != 0) json["node"] = node.value;
    drives.push_back(std::move(json));
  }
  co_return drives;
}

Task<boost::json::object> Admin::usage(std::string bucket) {
  constexpr std::size_t kPage = 1'000;
  boost::json::array rows;
  std::uint64_t objects = 0, bytes = 0;
  std::string after;
  bool more = true;
  while (more) {
    CO_TRY_LET(auto page, co_await storage_.metadata().list_buckets(after, bucket, kPage));
    more = page.size() == kPage;
    for (const auto& each : page) {
      after = each.name;
      if (!bucket.empty() && each.name != bucket) continue;
      CO_TRY_LET(const auto used, co_await storage_.metadata().usage(each.id));
      objects += used.objects;
      bytes += used.bytes;
      rows.push_back(boost::json::object{
          {"bucket", each.name}, {"objects", used.objects}, {"bytes", used.bytes}, {"uploads", used.uploads}});
    }
  }
  if (!bucket.empty() && rows.empty()) co_return Errc::no_such_bucket;
  co_return boost::json::object{{"buckets", std::move(rows)}, {"objects", objects}, {"bytes", bytes}};
}

}  // namespace firn::server
