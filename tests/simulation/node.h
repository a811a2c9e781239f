#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "cluster/leadership.h"
#include "cluster/roster.h"
#include "drive.h"
#include "firn/base/clock.h"
#include "firn/objects/maintenance.h"
#include "firn/objects/store.h"
#include "growth/mover.h"
#include "growth/shard_moves.h"
#include "map_keeper.h"
#include "node_client.h"
#include "watched_volumes.h"

namespace firn::simulation {

/// What stands while nodes come and go.
struct Ground {
  Runtime& runtime;
  Network& network;
  LogGroup& log;
  Trace& trace;
  struct Place {
    std::unique_ptr<Drive> drive;
    NodeId owner;
  };
  std::vector<Place>& drives;
  std::function<void(DriveIndex, const ExtentId&)> removing;
  bool moves = false;  ///< The cluster grows and shrinks.
};

/// One start of a node's process: the store, the volume client, the keeper of the map, and what a leader does, all of
/// them the product's, put together as Storage does it, over simulated drives, network and log.
class Node {
 public:
  Node(const Ground& ground, NodeId id, std::uint64_t start);
  ~Node();

  /// Opens its drives and serves when it returns.
  Task<> open(const std::function<metadata::MapRecord()>& first_map);
  /// It says that it is about to stop.
  void begin_to_leave() { stopping_ = true; }
  /// All that comes before a planned stop, as far as it gets.
  boost::asio::awaitable<void> leave();
  /// From now on nothing it does has an effect. What it began has to end: `bury`.
  void kill();
  boost::asio::awaitable<void> bury();

  NodeId id() const { return id_; }
  bool serving() const { return serving_ && log_.alive(); }
  bool alive() const { return log_.alive(); }
  objects::Store& store() { return *store_; }
  metadata::Client& metadata() { return client_; }
  volume::Client& volumes() { return *volumes_; }
  std::shared_ptr<volume::DriveService> service(DriveIndex drive) { return services_[drive]; }
  server::MapKeeper& keeper() { return *keeper_; }
  /// A drive that has come since this process started.
  void connect(DriveIndex drive);

  using Peers = std::function<std::vector<Node*>()>;
  void set_peers(Peers peers) { peers_ = std::move(peers); }
  server::Hello hello() const;

 private:
  using Map = metadata::MapRecord;
  void map_changed(const Map& map);
  Task<> note_gateway();
  void start_moves();
  Task<> remove_left(DriveIndex drive, std::vector<volume::RecordKey> keys, SetEpoch until);
  std::unique_ptr<server::Leadership> make_leadership();
  boost::asio::awaitable<void> drive_lost(DriveIndex drive);
  Task<> settle_map(const std::function<Map()>& first_map);
  Task<> settle_replacements(std::vector<DriveIndex> replacements);
  boost::asio::awaitable<void> settle_replacement(DriveIndex drive);
  boost::asio::awaitable<std::vector<server::Hello>> ask_all();
  objects::Maintenance* begin_maintenance();
  boost::asio::awaitable<void> end_maintenance();
  void record_damaged(const volume::DamagedRecord& record);
  boost::asio::awaitable<void> report_damage(volume::DamagedRecord record);
  bool owns(DriveIndex drive) const;
  void spawn(boost::asio::awaitable<void> work);

  const Ground ground_;
  const NodeId id_;
  NodeLog log_;
  NodeClient client_;
  Peers peers_;
  std::map<DriveIndex, std::shared_ptr<volume::DriveService>> services_;
  std::map<DriveIndex, LeaseId> recovered_;
  std::set<DriveIndex> owing_;
  std::unique_ptr<server::WatchedVolumes> volumes_;
  std::unique_ptr<server::MapKeeper> keeper_;
  std::unique_ptr<objects::Store> store_;
  server::Roster roster_;
  std::unique_ptr<server::Mover> mover_;
  std::unique_ptr<server::ShardMoves> moves_;
  std::unique_ptr<server::Leadership> leadership_;
  std::vector<std::unique_ptr<objects::Maintenance>> maintenance_;  // The last runs while this node leads.
  bool maintains_ = false;
  bool serving_ = false;
  bool stopping_ = false, leaving_ = false;
  std::size_t under_way_ = 0;
};

}  // namespace firn::simulation
