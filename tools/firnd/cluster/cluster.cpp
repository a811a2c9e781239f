#include "cluster/cluster.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <numeric>
#include <utility>

#include "firn/base/log.h"
#include "firn/metadata/peer_transport.h"
#include "gather.h"
#include "map_change.h"
#include "random_bytes.h"

namespace firn::server {
namespace {

using Answers = std::map<NodeId, Result<Hello>>;

/// A node that is there answers within milliseconds.
constexpr std::chrono::milliseconds kHelloDeadline{1'000};
/// Between questions while a cluster forms: people watch.
constexpr std::chrono::milliseconds kFormingPause{200};

std::vector<std::string> spelled(const std::vector<config::Config::Node>& nodes) {
  std::vector<std::string> list;
  for (const auto& node : nodes) list.push_back(node.host + ":" + std::to_string(node.port));
  return list;
}

boost::asio::awaitable<void> pause(Runtime& runtime) {
  boost::asio::steady_timer timer(runtime.io(0), kFormingPause);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace

Cluster::Cluster(Runtime& runtime, Options options)
    : runtime_(runtime),
      options_(std::move(options)),
      list_hash_(list_hash(spelled(options_.cluster.nodes))),
      roster_(options_.cluster.nodes) {
  facts_.node = own();
  facts_.list_hash = list_hash_;
  facts_.drive_count = options_.drive_count;
  facts_.shape = options_.erasure;
  if (const auto address = roster_.find(own())) {
    facts_.host = address->host;
    facts_.port = address->port;
  }
}

Cluster::~Cluster() = default;

std::uint16_t Cluster::port_of(const config::Config::Node& node, std::uint16_t offset) const {
  return static_cast<std::uint16_t>(node.port + offset);
}

std::vector<NodeId> Cluster::others() const {
  auto nodes = roster_.nodes();
  std::erase(nodes, own());
  return nodes;
}

/// Begins the links to a node, as far as this one has them already.
void Cluster::reach(NodeId id) {
  const auto node = roster_.find(id);
  if (!node || id == own()) return;
  transport_->add({id, node->host, port_of(*node, options_.cluster.metadata_port_offset)});
  if (auto* drives = reaching_.load()) {
    drives->add({id, node->host, port_of(*node, options_.cluster.shard_port_offset)});
  }
}

Result<> Cluster::listen() {
  metadata::PeerTransport::Options options;
  options.identity = identity();  // Of no cluster yet.
  options.host = options_.listen_host;
  options.port = port_of(options_.cluster.nodes[own().value - 1], options_.cluster.metadata_port_offset);
  options.hello = [this](NodeId from, std::string request) { return answer(from, std::move(request)); };
  auto transport = metadata::PeerTransport::start(runtime_, std::move(options));
  if (!transport) return std::move(transport).error();
  transport_ = *std::move(transport);
  for (const NodeId id : others()) reach(id);
  return {};
}

Hello Cluster::hello(NodeId asker) const {
  const std::lock_guard lock(mutex_);
  Hello hello = facts_;
  if (map_) {
    hello.yours = drives_of_node(*map_, asker);
  } else if (asker.value >= 1 && asker.value <= drive_counts_.size()) {
    hello.yours = drives_of(asker, drive_counts_);
  }
  hello.retired = roster_.retired(asker);
  if (complete_) complete_(hello);
  return hello;
}

/// What a node of the cluster says of itself is looked at when it is asked in its turn; one that is not is noted.
Task<std::string> Cluster::answer(NodeId from, std::string request) {
  if (auto asker = decode_hello(request); asker && asker->node == from && !asker->begun) {
    const std::lock_guard lock(mutex_);
    if (map_ && drives_of_node(*map_, from).empty() && !roster_.retired(from))
      asked_.insert_or_assign(from, *std::move(asker));
  }
  co_return encode(hello(from));
}

std::vector<Hello> Cluster::newcomers() const {
  std::vector<Hello> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [node, hello] : asked_) {
    const bool fits = !hello.shape || *hello.shape == shape_;
    const bool foreign = hello.cluster != Uuid{} && hello.cluster != cluster_;
    if (fits && !foreign && !hello.host.empty() && hello.drive_count > 0) all.push_back(hello);
  }
  return all;
}

Task<Hello> Cluster::ask(NodeId node) {
  CO_TRY_LET(const std::string text, co_await transport_->hello(node, encode(hello(node)), kHelloDeadline));
  CO_TRY_LET(auto hello, decode_hello(text));
  if (hello.node == node) co_return hello;
  co_return error(Errc::corrupt, "node " + std::to_string(hello.node.value) + " answers in its place");
}

boost::asio::awaitable<Answers> Cluster::ask_all() {
  std::vector<Task<Hello>> tasks;
  std::vector<NodeId> asked;
  for (const NodeId id : others()) {
    asked.push_back(id);
    tasks.push_back(ask(id));
  }
  auto results = co_await gather(runtime_, std::move(tasks));
  Answers answers;
  for (std::size_t i = 0; i < asked.size(); ++i) answers.emplace(asked[i], std::move(results[i]));
  co_return answers;
}

Task<DrivePlan> Cluster::form(const std::vector<FoundDirectory>& found, std::function<bool()> closing) {
  CO_TRY_LET(auto survey, survey_drives(found, options_.erasure));
  std::vector<DriveIndex> own;
  if (survey.begun) {
    CO_TRY_LET(own, own_drives(found));
  } else {
    const Newcomer self{.node = this->own(),
                        .nodes = listed(),
                        .list_hash = list_hash_,
                        .drive_count = options_.drive_count,
                        .cluster = survey.cluster,
                        .drives_total = survey.drives_total,
                        .shape = survey.shape,
                        .has_records = survey.has_records};
    CO_TRY_LET(auto step, co_await settle(self, std::move(closing)));
    begins_ = step.kind == FormingStep::Kind::begin;
    survey.cluster = step.cluster == Uuid{} ? random_uuid() : step.cluster;  // Node 1 alone gets that far without one.
    survey.drives_total = step.drives_total;
    survey.shape = step.shape;
    own = std::move(step.own);
    const std::lock_guard lock(mutex_);
    drive_counts_ = std::move(step.drive_counts);
  }
  cluster_ = survey.cluster;
  shape_ = *survey.shape;
  drives_total_ = survey.drives_total;
  transport_->set_cluster(cluster_);
  co_return plan_node(found, survey, own);
}

/// Until there is something to do.
boost::asio::awaitable<Result<FormingStep>> Cluster::settle(Newcomer self, std::function<bool()> closing) {
  std::string said;
  while (!closing()) {
    const auto answers = co_await ask_all();
    auto step = next_step(self, answers);
    if (!step || step->kind != FormingStep::Kind::wait) co_return step;
    if (step->why != said) log::info("waiting: {}", step->why);
    said = step->why;
    co_await pause(runtime_);
  }
  co_return error(Errc::cancelled, "stopping");
}

void Cluster::announce() {
  const std::lock_guard lock(mutex_);
  facts_.cluster = cluster_;
  facts_.begun = true;
  facts_.drives_total = drives_total_;
  facts_.shape = shape_;
}

metadata::Node::ClusterOptions Cluster::node_options(metadata::Node::Options local) const {
  metadata::Node::ClusterOptions options{.local = std::move(local), .node = own(), .cluster = cluster_};
  if (begins_) options.voters.push_back(own());
  options.join = !begins_;
  options.peers = others();
  options.voters_max = roster_.size() >= 5 ? 5 : 3;
  options.transport = transport_.get();
  return options;
}

void Cluster::on_hello(Complete complete) {
  const std::lock_guard lock(mutex_);
  complete_ = std::move(complete);
}

void Cluster::map_is(metadata::MapRecord map) {
  const std::lock_guard lock(mutex_);
  if (map.version == 0 || (map_ && map_->version >= map.version)) return;
  for (const auto& record : map.drives) asked_.erase(node_of(record.domain));
  map_ = map;
  // The links are made on another thread: this one applies metadata.
  boost::asio::post(runtime_.io(0), [this, map = std::move(map)] { follow(map); });
}

/// On io thread 0.
void Cluster::follow(const metadata::MapRecord& map) {
  const auto change = roster_.learn(map);
  for (const NodeId id : change.joined) {
    log::info("node {} is of the cluster now", id.value);
    reach(id);
  }
  for (const NodeId id : change.retired) {
    log::info("node {} is retired", id.value);
    // It is still heard on metadata, so that it learns of it.
    if (auto* drives = reaching_.load(); drives && id != own()) drives->remove(id);
  }
}

std::optional<metadata::MapRecord> Cluster::map() const {
  const std::lock_guard lock(mutex_);
  return map_;
}

bool Cluster::voters_are_there(const metadata::Node& node) const {
  const auto members = node.members();
  const auto voters = std::count_if(members.begin(), members.end(), [](const auto& member) { return member.voter; });
  return static_cast<std::size_t>(voters) >= std::min<std::size_t>(listed(), listed() >= 5 ? 5 : 3);
}

/// After a restart amid the beginning: the drives say how many there were together, the nodes how many each has.
void Cluster::learn_layout(const Answers& answers) {
  const std::lock_guard lock(mutex_);
  if (!drive_counts_.empty()) return;
  std::vector<std::uint16_t> counts;
  for (NodeId id{1}; id.value <= listed(); ++id.value) {
    const auto found = answers.find(id);
    if (id != own() && (found == answers.end() || !found->second)) return;
    counts.push_back(id == own() ? facts_.drive_count : found->second->drive_count);
  }
  if (std::accumulate(counts.begin(), counts.end(), 0U) == drives_total_) drive_counts_ = std::move(counts);
}

std::optional<metadata::MapRecord> Cluster::first_map_of(const Answers& answers) {
  learn_layout(answers);
  const Hello mine = hello(own());
  const std::lock_guard lock(mutex_);
  std::vector<metadata::DriveRecord> drives;
  for (NodeId id{1}; id.value <= drive_counts_.size(); ++id.value) {
    const auto found = answers.find(id);
    if (id != own() && (found == answers.end() || !found->second)) return std::nullopt;
    const Hello& hello = id == own() ? mine : *found->second;
    for (const auto index : drives_of(id, drive_counts_)) {
      const auto drive = std::ranges::find(hello.drives, index, &Hello::Drive::index);
      if (drive == hello.drives.end() || !drive->well) return std::nullopt;
      drives.push_back({index, drive->uuid, domain_of(id), false});
    }
  }
  if (drives.empty()) return std::nullopt;
  return first_map(cluster_, std::move(drives), shape_);
}

Task<metadata::MapRecord> Cluster::await_map(metadata::Node& node, std::function<bool()> closing) {
  bool said = false;
  while (!closing()) {
    if (auto known = map()) co_return *std::move(known);
    if (node.is_leader()) {
      const auto answers = co_await ask_all();
      auto first = first_map_of(answers);
      if (first && voters_are_there(node)) {
        const auto recorded = co_await node.client().put_cluster_map(*first);
        if (recorded) log::info("the cluster has begun: {} nodes, {} drives", listed(), first->drives.size());
        if (!recorded) log::warn("the first map: {} {}", to_string(recorded.error().code), recorded.error().detail);
      }
    }
    if (!std::exchange(said, true)) log::info("waiting for the cluster's map");
    co_await pause(runtime_);
  }
  co_return error(Errc::cancelled, "stopping");
}

Result<> Cluster::share(const Drives& drives, volume::RemoteDrives::Events events) {
  auto server = volume::ShardServer::start(
      runtime_, {.identity = identity(),
                 .host = options_.listen_host,
                 .port = port_of(options_.cluster.nodes[own().value - 1], options_.cluster.shard_port_offset)});
  if (!server) return std::move(server).error();
  shard_server_ = *std::move(server);
  for (const auto& [index, drive] : drives) serve(drive);
  auto remote = volume::RemoteDrives::make(runtime_, {.identity = identity()}, std::move(events));
  if (!remote) return std::move(remote).error();
  remote_drives_ = *std::move(remote);
  reaching_ = remote_drives_.get();
  for (const NodeId id : others()) {
    const auto node = roster_.find(id);
    if (node) remote_drives_->add({id, node->host, port_of(*node, options_.cluster.shard_port_offset)});
  }
  return {};
}

void Cluster::serve(const std::shared_ptr<volume::Drive>& drive) {
  if (shard_server_) shard_server_->serve(drive, drive->identity().drive);
}

void Cluster::withdraw(DriveIndex drive) {
  if (shard_server_) shard_server_->withdraw(drive);
}

std::vector<volume::PeerStatus> Cluster::peers() const {
  return remote_drives_ ? remote_drives_->status() : std::vector<volume::PeerStatus>{};
}

std::vector<NodeId> Cluster::gone_peers() const {
  std::vector<NodeId> gone;
  for (const auto& peer : peers()) {
    if (peer.gone) gone.push_back(peer.node);
  }
  return gone;
}

void Cluster::stop() {
  if (transport_) transport_->stop();
}

boost::asio::awaitable<void> Cluster::stop_sharing() {
  if (remote_drives_) {
    const auto stopped = co_await remote_drives_->stop();
    if (!stopped) log::warn("closing the links to other nodes: {}", stopped.error().detail);
  }
  if (!shard_server_) co_return;
  const auto stopped = co_await shard_server_->stop();
  if (!stopped) log::warn("closing the shard server: {}", stopped.error().detail);
}

}  // namespace firn::server
