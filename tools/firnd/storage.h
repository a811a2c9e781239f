#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "changeover.h"
#include "cluster/cluster.h"
#include "cluster/leadership.h"
#include "drive_plan.h"
#include "drives.h"
#include "firn/base/gate.h"
#include "firn/base/runtime.h"
#include "firn/metadata/client.h"
#include "firn/metadata/node.h"
#include "firn/objects/maintenance.h"
#include "firn/objects/store.h"
#include "firn/volume/client.h"
#include "firn/volume/disk.h"
#include "growth/leaving.h"
#include "growth/mover.h"
#include "growth/shard_moves.h"
#include "map_keeper.h"
#include "watched_volumes.h"

namespace firn::server {

/// Drives, metadata and volumes of one machine, and the store over them: everything below the gateway. In a cluster,
/// the same with this node's drives and its part of the metadata, over the drives of all nodes.
///
/// Threads: `open` and `close` from the main thread, while the io threads run; the accessors from anywhere in between.
class Storage {
 public:
  struct Options {
    std::vector<std::filesystem::path> drives;
    std::optional<erasure::Shape> erasure;
    std::uint64_t write_memory_bytes = 0;
    std::uint64_t metadata_cache_bytes = 0;
    std::uint64_t body_cache_bytes = 0;
    /// What this node takes a second of shards that move to its drives.
    std::uint64_t move_bytes_per_second = Mover::Options{}.bytes_per_second;
    std::chrono::milliseconds reclaim_grace = objects::Maintenance::Options{}.reclaim_grace;
    /// 0: only when asked.
    std::chrono::milliseconds scrub_period{0};
    /// Unset: one machine by itself.
    std::optional<Cluster::Options> cluster;
    /// Whether a start that waits for other nodes is to end.
    std::function<bool()> stopping;
  };
  Storage(Runtime& runtime, Options options);
  ~Storage();

  /// From directories to a store that can be used. A failure has closed what was opened.
  Result<> open();
  /// Before a planned stop of a cluster's node, while clients are still answered: another node leads, new extents go
  /// elsewhere, and when those begun before are written, this one's drives are out of the map. Main thread; takes some
  /// seconds at most.
  void leave();
  /// Clients are answered.
  void serves() { clients_served_ = true; }
  /// Long work begins to end.
  void begin_close() { closing_ = true; }
  /// Waits for background work, flushes and closes.
  void close();

  Runtime& runtime() { return runtime_; }
  objects::Store& store() { return *store_; }
  metadata::Client& metadata() { return node_->client(); }
  metadata::Node& node() { return *node_; }
  volume::Client& volumes() { return *volumes_; }
  const DrivePlan& plan() const { return plan_; }
  Drives drives() const;
  /// Null when it is absent.
  std::shared_ptr<volume::Drive> find_drive(DriveIndex drive) const;
  /// The same, of another node too.
  std::shared_ptr<volume::DriveService> find_service(DriveIndex drive) const;
  /// `close` has begun: what takes long must end.
  bool closing() const { return closing_.load() || (options_.stopping && options_.stopping()); }

  /// Takes what is in the drive's directory now: the drive that was there, or an empty one in its place. With
  /// `directory`, that one stands for the drive from now on, and is to be named at the next start. On io thread 0.
  Task<> take_drive(DriveIndex drive, std::filesystem::path directory);
  /// Empties these drives, or those of the node; with `undo` they take data again. On io thread 0, as the next two.
  Task<> drain(Leaving leaving, bool undo);
  /// Drops what was drained from the cluster for good.
  Task<> retire(Leaving leaving);
  Task<> add_drive(std::filesystem::path directory);
  /// On io thread 0.
  const metadata::MapRecord& map_record() const { return keeper_->current(); }
  Mover::Progress moving() const { return mover_ ? mover_->progress() : Mover::Progress{}; }
  /// Of repair, since the start.
  objects::Maintenance::Progress repair_progress() const {
    return maintenance_ ? maintenance_->progress() : objects::Maintenance::Progress{};
  }
  /// Null on one machine by itself.
  const Cluster* cluster() const { return cluster_.get(); }
  Cluster* cluster() { return cluster_.get(); }

  /// Where the first drive that is there lies.
  std::filesystem::path first_directory() const;
  std::size_t drives_in() const;
  /// Clients are answered, the metadata can be read, and nothing says that this will end.
  bool ready() const;
  bool write_quorum() const;

 private:
  Result<> open_parts();
  /// Up to here nothing was opened, and nothing changed unless directories had to be formatted.
  Task<> prepare_drives();
  /// Whether these drives are, or became, those of a single machine or of a node.
  Result<> settle_changeover();
  Result<> open_drives_and_metadata();
  Result<std::unique_ptr<metadata::Node>> open_metadata(const DrivePlan& plan);
  Task<> settle_map();
  void make_volumes();
  void make_keeper();
  Task<metadata::MapRecord> recorded_map();
  Task<> note_replacements(const metadata::MapRecord& map);
  void change_map(MapChange& change, const metadata::MapRecord& map) const;
  boost::asio::awaitable<void> finish_replacement(DriveIndex drive);
  Task<> open_store();
  Task<> begin_store();
  Task<> sweep_what_came_back();
  void start_maintenance();
  /// Whether somebody sees to it.
  bool record_damaged(const volume::DamagedRecord& record);
  Task<Uuid> gateway_id();
  void drive_failed(DriveIndex drive, const Error& why);
  boost::asio::awaitable<void> drive_lost(DriveIndex drive);
  boost::asio::awaitable<void> end_background();
  boost::asio::awaitable<void> close_drives();
  Task<> exchange_drive(DriveIndex drive, std::filesystem::path directory);
  Task<> close_drive(DriveIndex drive);
  Task<> open_drive(DrivePlan::Place place);
  Task<> admit_drive(DriveIndex drive, Uuid uuid);
  boost::asio::awaitable<void> put_in_and_repair(DriveIndex drive);
  volume::Drive::Options drive_options();
  void spawn_replacement(DriveIndex drive);
  DrivePlan::Place* find_place(DriveIndex drive);

  // What only a cluster's node does: storage_cluster.cpp.
  Task<> prepare_node();
  Result<> share_drives();
  Task<> settle_cluster_map();
  Task<> replace_drives();
  void map_changed(const metadata::MapRecord& map);
  void say_hello(Hello& hello) const;
  boost::asio::awaitable<void> lead();
  void connect_drive(const volume::RemoteDrive& drive);
  void wake_leadership();
  boost::asio::awaitable<void> hand_over();
  boost::asio::awaitable<void> close_sets();
  boost::asio::awaitable<void> await_out();
  void make_leadership();
  boost::asio::awaitable<std::vector<Hello>> cluster_hellos();
  boost::asio::awaitable<void> lead_no_longer();
  boost::asio::awaitable<void> report_damage(volume::DamagedRecord record);
  boost::asio::awaitable<void> end_maintenance();
  bool owes(DriveIndex drive) const;

  // What it does when the cluster grows or shrinks: storage_growth.cpp.
  void start_mover();
  Task<> remove_left(DriveIndex drive, std::vector<volume::RecordKey> keys, SetEpoch until);
  boost::asio::awaitable<void> grow();
  Task<> admit_newcomers();
  Task<> drop_retired();
  Task<> open_added_drive(std::filesystem::path directory);

  Runtime& runtime_;
  const Options options_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<volume::Disk> disk_;
  Changeover changeover_;
  DrivePlan plan_;
  mutable std::mutex drives_mutex_;
  Drives drives_;                                                              // Guarded by drives_mutex_.
  std::map<DriveIndex, std::shared_ptr<volume::DriveService>> remote_drives_;  // Guarded by drives_mutex_.
  std::set<DriveIndex> owing_;  // Guarded by drives_mutex_: as replacements_, until it is done.
  std::unique_ptr<metadata::Node> node_;
  std::unique_ptr<volume::Client> volumes_;
  WatchedVolumes* watched_ = nullptr;  // The same, in a cluster.
  std::unique_ptr<MapKeeper> keeper_;
  std::atomic<MapKeeper*> fencing_{nullptr};  // The keeper, while it may be told of failures.
  std::atomic<bool> metadata_failed_{false};
  std::atomic<bool> stopping_{false};  // It is about to leave.
  std::atomic<bool> leaving_{false};
  std::atomic<bool> clients_served_{false};
  std::atomic<bool> closing_{false};
  std::unique_ptr<objects::Store> store_;
  std::unique_ptr<objects::Maintenance> maintenance_;
  std::unique_ptr<objects::Maintenance> maintenance_before_;  // May still be told of damage that was just found.
  std::atomic<objects::Maintenance*> repairing_{nullptr};     // Maintenance, while it may be told of damage.
  std::vector<DriveIndex> returned_;                          // Recorded as out, and there again at this start.
  std::vector<DriveIndex> replacements_;        // Out until what they owe is on the list of missing shards.
  bool taking_a_drive_ = false;                 // Io thread 0.
  std::unique_ptr<Leadership> leadership_;      // Io thread 0; none on one machine by itself.
  std::atomic<std::size_t> damage_reports_{0};  // Under way.
  std::atomic<bool> serving_{false};
  std::atomic<bool> retired_{false};
  std::unique_ptr<Mover> mover_;
  std::atomic<Mover*> moving_{nullptr};  // The mover, while it may be poked.
  std::unique_ptr<ShardMoves> moves_;    // Io thread 0; of a cluster, as the mover.
  Gate background_;
};

}  // namespace firn::server
