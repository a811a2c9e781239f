#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cluster/forming.h"
#include "cluster/hello.h"
#include "cluster/node_plan.h"
#include "cluster/roster.h"
#include "drives.h"
#include "firn/base/runtime.h"
#include "firn/config/config.h"
#include "firn/metadata/node.h"
#include "firn/volume/remote_drives.h"
#include "firn/volume/shard_server.h"

namespace firn::metadata {
class PeerTransport;
}

namespace firn::server {

/// The other nodes as this one reaches them, and this one as they see it: the links of metadata and shards, forming,
/// and what is answered to a Hello.
///
/// Threads: `listen`, `share` and `node_options` from the main thread; coroutines on io thread 0; the rest from any.
/// Durability: keeps nothing itself. Drives say which cluster they are of, the map says whose they are.
class Cluster {
 public:
  struct Options {
    config::Config::Cluster cluster;
    std::string listen_host;
    std::uint16_t drive_count = 0;
    std::optional<erasure::Shape> erasure;
  };
  Cluster(Runtime& runtime, Options options);
  ~Cluster();

  NodeId own() const { return NodeId{options_.cluster.own}; }
  const Roster& roster() const { return roster_; }

  /// Peers are answered from now on.
  Result<> listen();
  /// Which directory is which drive of which cluster. Waits for the peers where this node's drives don't say it. Errc::
  /// cancelled when `closing` begins to hold.
  Task<DrivePlan> form(const std::vector<FoundDirectory>& found, std::function<bool()> closing);
  metadata::Node::ClusterOptions node_options(metadata::Node::Options local) const;
  /// Peers may know of the cluster: the metadata is open, so that it has begun even if this node is gone.
  void announce();

  /// Fills in what only the storage knows: drives, leases, whether it serves.
  using Complete = std::function<void(Hello&)>;
  void on_hello(Complete complete);
  void map_is(metadata::MapRecord map);
  /// Nodes that have asked to be let in, as they said themselves, and are in no map yet.
  std::vector<Hello> newcomers() const;
  std::optional<metadata::MapRecord> map() const;

  /// Every other node's answer.
  boost::asio::awaitable<std::map<NodeId, Result<Hello>>> ask_all();
  /// What this node answers to `asker`.
  Hello hello(NodeId asker) const;
  /// The map as it is; where there is none yet, the node that leads records the first when all nodes are there.
  Task<metadata::MapRecord> await_map(metadata::Node& node, std::function<bool()> closing);

  /// Serves the own drives to the peers, and begins to reach theirs.
  Result<> share(const Drives& drives, volume::RemoteDrives::Events events);
  void serve(const std::shared_ptr<volume::Drive>& drive);
  void withdraw(DriveIndex drive);
  std::vector<volume::PeerStatus> peers() const;
  /// Those that fell silent, or whose machine says that they have ended.
  std::vector<NodeId> gone_peers() const;

  /// Ends the links of shards, before the drives are closed.
  boost::asio::awaitable<void> stop_sharing();
  /// Ends the links of metadata, after the node has stopped. Main thread.
  void stop();

 private:
  ClusterIdentity identity() const {
    return {.cluster = cluster_, .node = own(), .key = options_.cluster.key, .tls = options_.cluster.tls};
  }
  /// Of a node's metadata or shards: S3's and `offset`.
  std::uint16_t port_of(const config::Config::Node& node, std::uint16_t offset) const;
  void reach(NodeId node);
  void follow(const metadata::MapRecord& map);
  /// For as long as the cluster has not begun: all of the list.
  std::uint32_t listed() const { return static_cast<std::uint32_t>(options_.cluster.nodes.size()); }
  std::vector<NodeId> others() const;
  Task<std::string> answer(NodeId from, std::string request);
  Task<Hello> ask(NodeId node);
  boost::asio::awaitable<Result<FormingStep>> settle(Newcomer self, std::function<bool()> closing);
  bool voters_are_there(const metadata::Node& node) const;
  /// The first map, once every node has said all its drives.
  std::optional<metadata::MapRecord> first_map_of(const std::map<NodeId, Result<Hello>>& answers);
  void learn_layout(const std::map<NodeId, Result<Hello>>& answers);

  Runtime& runtime_;
  const Options options_;
  const std::uint64_t list_hash_;
  Roster roster_;
  std::unique_ptr<metadata::PeerTransport> transport_;
  std::unique_ptr<volume::ShardServer> shard_server_;
  std::unique_ptr<volume::RemoteDrives> remote_drives_;
  std::atomic<volume::RemoteDrives*> reaching_{nullptr};  // Those, once they are there.
  bool begins_ = false;                                   ///< This start is the cluster's first, on this node.
  Uuid cluster_;                                          ///< As planned.
  erasure::Shape shape_;
  std::uint16_t drives_total_ = 0;
  mutable std::mutex mutex_;
  Hello facts_;                              // Guarded by mutex_, as are the next four.
  std::map<NodeId, Hello> asked_;            ///< What nodes that are in no map said when they asked.
  std::vector<std::uint16_t> drive_counts_;  ///< Of all nodes, while there is no map.
  std::optional<metadata::MapRecord> map_;
  Complete complete_;
};

}  // namespace firn::server
