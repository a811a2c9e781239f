#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "firn/base/clock.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"
#include "firn/metadata/client.h"

namespace firn::metadata {

class RaftTransport;

/// The metadata tier of one node: its log and state on the drives.
///
/// Threads: `open`, `restore` and `stop` block and belong to the main thread; all else from any thread. The node has a
/// thread that writes the log, one that applies it, and one for maintenance; they use no CPU when nothing is asked.
/// Durability: an acknowledged change is on m+1 drives (on all, if there are fewer) and survives the loss of any m.
/// Memory: `block_cache_bytes`, `memtable_bytes` and the log's queue (64 MiB).
class Node {
 public:
  struct Drive {
    DriveIndex index;
    std::filesystem::path directory;  ///< The drive's own: the node keeps to its `meta` folder.
  };
  struct Options {
    std::vector<Drive> drives;      ///< Those that are present. At the first start all must be.
    std::uint16_t drive_count = 0;  ///< n: all drives of the node, present or not.
    std::uint16_t losses = 0;       ///< m: how many may be lost. At least m+1 drives hold everything.
    Clock* clock = nullptr;         ///< Null: the system's.
    std::size_t block_cache_bytes = 64 << 20;
    std::size_t memtable_bytes = 64 << 20;
    std::uint64_t log_file_bytes = 32 << 20;
    /// When that much of the log is kept, the state is flushed so that it can be dropped. Bounds the replay of a start.
    std::uint64_t log_kept_bytes_max = 96 << 20;
    /// Kept free for log and state on each of their drives, so that deletes go on when a drive is full.
    std::uint64_t reserve_bytes = 64 << 20;
    /// Flush when stopped, so that the next start has nothing to replay.
    bool flush_at_stop = true;
    /// The operator's word that the highest log set found counts, though too few drives are present to be sure.
    bool trust_highest_log_set = false;
  };
  /// Called on the node's own threads. Must return at once.
  struct Events {
    /// The drive's log or state could not be written or read: it is out of the log set already. Record it as out.
    std::function<void(DriveIndex, const Error&)> drive_failed;
    /// Nothing can be committed any more (Errc::durability_unavailable, corrupt …). Reads go on.
    std::function<void(const Error&)> failed;
    /// The cluster map was changed, by whichever node. Also called with the map as it is when the node has started.
    std::function<void(const MapRecord&)> map_changed;
    /// Another node leads the metadata, or none (0). In a cluster only.
    std::function<void(NodeId leader)> leader_changed;
  };

  /// What a node of a cluster is told beside `Options`, whose `drives` and `drive_count` are those of this node alone.
  /// `losses` is 1 where it has two drives or more: log and state are on two drives of each node.
  struct ClusterOptions {
    Options local;
    NodeId node;
    Uuid cluster;
    /// Only the first start looks at these. `voters` begin the cluster, the same list on each of them, and each must be
    /// sure that the cluster has never begun before. All other nodes have `join` set.
    std::vector<NodeId> voters;
    /// Begin with nothing, and follow those who lead: a node that is new, or whose drives were replaced. It asks
    /// `peers` to be let in and gets everything from them.
    bool join = false;
    std::vector<NodeId> peers;   ///< All other nodes, for as long as the node does not know its cluster's members.
    std::size_t voters_max = 3;  ///< The leader makes nodes that follow closely voters until there are so many.
    RaftTransport* transport = nullptr;  ///< Must outlive the node.
    std::chrono::milliseconds tick{50};
    std::uint32_t heartbeat_ticks = 2;
    std::uint32_t election_ticks = 12;  ///< Without a sign of the leader for so long, a voter stands for election.
    /// A voter that is silent for that long is replaced by a node that is not.
    std::chrono::milliseconds voter_lost_after{std::chrono::minutes(5)};
    /// How long a write or read waits for a leader before it fails.
    std::chrono::milliseconds patience{10'000};
    /// So many entries stay in the log for nodes that are behind. One that is farther behind gets a snapshot.
    std::uint64_t entries_kept = 10'000;
  };

  /// A node's part in the cluster's metadata.
  struct Member {
    NodeId node;
    bool voter = false;
    bool recently_heard = false;   ///< As the leader sees it; elsewhere unknown, and false.
    std::uint64_t last_index = 0;  ///< What the leader knows it to have.
  };
  /// Nodes come in by asking for it (`ClusterOptions::join`). Where voters are too few, the leader makes others so
  /// itself.
  enum class MemberChange : std::uint8_t { make_learner, make_voter, remove };

  struct Status {
    std::uint64_t log_set = 0;        ///< Its number.
    std::vector<DriveIndex> members;  ///< Drives that hold log and state.
    std::vector<DriveIndex> living;   ///< Drives that hold the record of the log set.
    std::uint64_t applied_index = 0;
    std::uint64_t persisted_index = 0;  ///< Entries up to it are read back on all members, out of the log.
    std::uint64_t log_bytes = 0;        ///< In log files that can't be used again yet, on each member.
    std::uint64_t copies_repaired = 0;  ///< Of state files, since the start.
    bool full_size = false;             ///< As many members as there should be.
    bool short_of_space = false;        ///< A drive is full: what adds data is refused.
    bool failed = false;
  };

  struct VerifyReport {
    std::uint64_t rows = 0, objects = 0, parts = 0;
    std::uint64_t problems = 0;         ///< Rows that contradict each other or can't be read.
    std::uint64_t copies_repaired = 0;  ///< Of state files that were damaged on one member and sound on another.
    std::vector<std::string> details;   ///< The first problems.
  };

  /// Recovers what the drives hold, or formats them at the first start. Errc::durability_unavailable when too few
  /// drives are there, corrupt when acknowledged entries are damaged everywhere, already_exists when another process
  /// has them.
  static Result<std::unique_ptr<Node>> open(Runtime& runtime, Options options, Events events);
  /// The node of a cluster. What it holds is recovered as by `open`; it serves as soon as there is a leader.
  static Result<std::unique_ptr<Node>> open_cluster(Runtime& runtime, ClusterOptions options, Events events);
  /// Fills new drives from a backup. Refused (Errc::already_exists) when one of them holds metadata.
  static Result<> restore(Runtime& runtime, Options options, const std::filesystem::path& backup);

  using MapEdit = std::function<void(MapRecord&)>;
  /// The same for one node of a cluster whose metadata is gone everywhere: it is the cluster's only member then, and
  /// the others join it with nothing of their own. `voters`, `peers` and `transport` are not looked at.
  /// The backup may be one of a single machine: `change_map` then says whose its drives are from now on.
  static Result<> restore_cluster(Runtime& runtime, ClusterOptions options, const std::filesystem::path& backup,
                                  const MapEdit& change_map = {});

  /// After most voters were lost for ever: what is known of the cluster on the drives of a node that is left, and with
  /// `force` that node is the cluster's only member from then on. What was acknowledged and never reached it is lost;
  /// other nodes that are left must begin with nothing and join again. The node must not run.
  struct ForcedMembership {
    NodeId node;
    std::vector<NodeId> voters;   ///< As they were.
    std::uint64_t committed = 0;  ///< Entries up to it the node knew to be acknowledged,
    std::uint64_t last = 0;       ///< and up to here it has some, which all stand now.
  };
  /// Errc::not_found for drives without a cluster's metadata, invalid_argument for a log that can't be forced.
  static Result<ForcedMembership> force_membership(const Options& options, bool force);

  /// Reads a backup to its end, and gives the cluster map in it. Errc::corrupt, not_found.
  static Result<MapRecord> inspect_backup(const std::filesystem::path& backup);

  virtual ~Node() = default;
  virtual Client& client() = 0;
  virtual Status status() const = 0;

  /// The drive went, or failed elsewhere: it leaves the log set, another takes its place.
  virtual void drive_failed(DriveIndex drive) = 0;
  /// The drive is there again, or a new one in its place.
  virtual void drive_returned(DriveIndex drive, std::filesystem::path directory) = 0;

  /// Who leads: all changes go through that node. 0 when nobody does. A node that is no cluster leads itself.
  virtual bool is_leader() const { return true; }
  virtual NodeId leader() const { return {}; }
  virtual std::vector<Member> members() const { return {}; }
  /// By the leader alone, one after another; returns when the change is in force. Errc::durability_unavailable when
  /// this node does not lead, or not long enough.
  virtual Task<> change_members(MemberChange change, NodeId node);
  /// Hands leadership to `to`, or to whichever voter follows most closely (0): before a planned stop. Nothing to do
  /// where this node does not lead.
  virtual Task<> transfer_leadership(NodeId to);

  /// Writes a snapshot of the state to a new file, synced.
  virtual Task<> backup(std::filesystem::path file) = 0;
  /// Reads all rows and all copies of all files, repairs copies, compares what is said twice.
  virtual Task<VerifyReport> verify() = 0;

  /// Refuses new work and finishes what is under way: the runtime must still run.
  virtual void stop() = 0;
};

}  // namespace firn::metadata
