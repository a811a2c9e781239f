#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "history.h"
#include "node.h"
#include "simulation.h"

namespace firn::simulation {

/// The whole of one run: drives and network, the log, and the processes that come and go.
class Cluster {
 public:
  Cluster(Runtime& runtime, const Scenario& scenario);

  /// Starts all nodes, and makes the bucket.
  boost::asio::awaitable<void> begin();
  /// Ends all processes. Nothing is under way when it returns.
  boost::asio::awaitable<void> end();

  std::uint32_t nodes() const { return static_cast<std::uint32_t>(now_.size()); }
  Node* node(NodeId id) { return now_[id.value - 1]; }
  Node* any_node(Random& random);
  boost::asio::awaitable<void> start(NodeId id);
  /// With `power`, what its drives had not synced is gone too.
  void kill(NodeId id, bool power);
  /// Those that are not up and should be.
  std::vector<NodeId> down() const;
  /// Brings what the map has of nodes and drives that came into being, and ends what it says is gone for good.
  boost::asio::awaitable<void> follow_map();
  bool retired(NodeId id) const { return retired_.contains(id); }

  std::vector<Ground::Place>& drives() { return drives_; }
  /// Empty drives in place of those, whose node must be down.
  void replace_drive(DriveIndex drive);
  NodeId owner(DriveIndex drive) const { return drives_[drive.value].owner; }

  /// Every drive is in, no extent is short of a shard, and nothing waits to be removed.
  bool whole() const;
  /// Nothing is left to move, and drives are as full as each other, but for those that leave, which are empty.
  bool level();
  /// Why not, if not.
  const std::string& uneven() const { return uneven_; }
  /// The drives that leave, and what they have.
  std::string leaving() const;
  /// What is short of shards is short of those that belong on this drive alone.
  bool only_short_on(DriveIndex drive) const;
  /// Nothing that nobody refers to is left on any drive, nor what has moved to another.
  bool clean() const { return orphans().empty(); }
  std::string orphans() const;
  const metadata::MapRecord& map() const { return map_; }
  /// Compares what metadata says with what is on drives. Where it contradicts, `wrong` is told.
  void check();
  void wrong(std::string what);

  Runtime& runtime;
  Random random;
  Trace trace;
  Network network;
  LogGroup log;
  History history;
  Outcome outcome;

 private:
  void applied(std::uint64_t index);
  void note_leases(const LogGroup::Entry& entry);
  void removing(DriveIndex drive, const ExtentId& extent);
  void check_count();
  void check_shards(const metadata::MapRecord& map, const metadata::SetRecord& set);
  metadata::MapRecord first_map() const;
  std::string find_uneven() const;
  std::string why_left(const metadata::MapRecord& map, DriveIndex drive, const volume::RecordKey& key) const;
  void add_place(NodeId owner);
  void note_moves(std::uint64_t index);

  std::vector<Ground::Place> drives_;
  std::vector<Node*> now_;  // By node; null while it is down.
  std::vector<std::unique_ptr<Node>> all_;
  std::vector<std::uint64_t> starts_;
  std::map<std::string, VersionOrder> current_;
  std::map<LeaseId, std::pair<std::uint64_t, std::uint64_t>> writers_;  // Lease to member and start.
  const Scenario& scenario_;
  bool ended_ = false;
  std::uint64_t uuids_ = 0;
  std::set<NodeId> retired_;
  metadata::MapRecord map_;   // As of the newest entry.
  std::uint64_t judged_ = 0;  // Which version of it was looked at by `level`.
  std::string uneven_;
};

}  // namespace firn::simulation
