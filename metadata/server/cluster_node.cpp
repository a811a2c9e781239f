#include "server/cluster_node.h"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

#include "firn/base/log.h"
#include "rows/bytes.h"
#include "rows/try.h"
#include "server/cluster_message.h"

namespace firn::metadata {
namespace {

constexpr std::uint64_t kFirstIndex = 1;
constexpr std::chrono::milliseconds kLookPeriod{20};
/// A change that was forgotten, because another was under way, is asked for again after so many looks.
constexpr int kLooksPerRequest = 25;
constexpr std::chrono::seconds kHandOverPatience{2};

Error not_leading() { return error(Errc::durability_unavailable, "this node does not lead the metadata"); }

FirnRaftChange kind_of(Node::MemberChange change) {
  switch (change) {
    case Node::MemberChange::make_learner:
      return kFirnRaftAddLearner;
    case Node::MemberChange::make_voter:
      return kFirnRaftAddVoter;
    case Node::MemberChange::remove:
      return kFirnRaftRemove;
  }
  return kFirnRaftRemove;
}

bool in_force(Node::MemberChange change, const std::optional<FirnRaftMember>& member) {
  if (change == Node::MemberChange::remove) return !member;
  return member && member->voter == (change == Node::MemberChange::make_voter);
}

}  // namespace

Result<std::unique_ptr<Node>> Node::open_cluster(Runtime& runtime, ClusterOptions options, Events events) {
  if (options.node.value == 0 || options.transport == nullptr) {
    return error(Errc::invalid_argument, "a node of a cluster needs a number and a transport");
  }
  auto node = std::make_unique<ClusterNode>(runtime, std::move(options), std::move(events));
  TRY(node->open());
  return std::unique_ptr<Node>(std::move(node));
}

Result<> Node::restore_cluster(Runtime& runtime, ClusterOptions options, const std::filesystem::path& backup,
                               const MapEdit& change_map) {
  options.voters = {options.node};
  options.join = false;
  ClusterNode node(runtime, std::move(options), {});
  return node.restore(backup, change_map);
}

ClusterNode::ClusterNode(Runtime& runtime, ClusterOptions options, Events events)
    : LocalNode(runtime, options.local, std::move(events)),
      cluster_(std::move(options)),
      keeper_({.voters_max = cluster_.voters_max, .voter_lost_after = cluster_.voter_lost_after}) {}

ClusterNode::~ClusterNode() { stop(); }

RaftLog::Options ClusterNode::log_options() {
  return {.file_bytes = options_.log_file_bytes,
          .times = {.tick_ms = static_cast<std::uint64_t>(cluster_.tick.count()),
                    .heartbeat_ticks = cluster_.heartbeat_ticks,
                    .election_ticks = cluster_.election_ticks},
          .patience = cluster_.patience,
          .entries_kept = cluster_.entries_kept,
          .full = [this](DriveIndex drive) { return reserve_.release(drive); }};
}

RaftLog::Events ClusterNode::log_events() {
  return {.send = [this](std::uint64_t to, std::string_view message) { send(node_of(to), kRaftMessage, message); },
          .install = [this](std::uint64_t index) { return install(index); },
          .snapshot_wanted = [this] { later([this] { make_snapshot(); }); },
          .snapshot_offered =
              [this](std::uint64_t from, std::string name) {
                later([this, from, name = std::move(name)] { fetch_snapshot(from, name); });
              },
          .leader_changed = [this](NodeId leader) { leader_became(leader); },
          .tick = [this] { on_tick(); },
          .failed = events_.failed};
}

/// The log comes before the state: it knows whether a snapshot was being put in its place.
Result<> ClusterNode::prepare_log(const std::vector<LogSet::Drive>& members) {
  TRY_LET(log_, RaftLog::open(*set_, members, log_options(), log_events()));
  for (const LogSet::Drive& drive : members) {
    TRY(log().recovered().pending != 0 ? IncomingState::put_in_place(drive.directory)
                                       : IncomingState::discard(drive.directory));
  }
  return {};
}

Result<> ClusterNode::begin_log() {
  // Higher than any number the node had before, without asking anybody.
  const auto born = static_cast<std::uint64_t>(clock_.now_unix_ms() / 1'000) << 32 | cluster_.node.value;
  if (cluster_.join) return log().begin(born, {}, 0);
  // A restored state knows members of before, whose proposals of before it would take these for.
  if (const auto restored = replica_->applied_index(); restored != 0) return log().begin(born, {born}, restored);
  std::vector<std::uint64_t> voters;
  for (const NodeId voter : cluster_.voters) voters.push_back(voter.value);
  if (std::ranges::find(voters, cluster_.node.value) == voters.end()) {
    return error(Errc::invalid_argument, "a node that begins a cluster must be one of its voters");
  }
  return log().begin(cluster_.node.value, voters, kFirstIndex);
}

Result<> ClusterNode::open_log(const std::vector<LogSet::Drive>&) {
  if (set_->fresh()) TRY(begin_log());
  const FirnRaftRecovered& found = log().recovered();
  if (found.member == 0) return error(Errc::corrupt, "the metadata log is gone");
  if (node_of(found.member) != cluster_.node) {
    return error(Errc::invalid_argument, "the drives are those of node " + std::to_string(node_of(found.member).value));
  }
  // What a cluster begins after is an entry too, though one that says nothing.
  if (replica_->applied_index() == 0 && found.first == kFirstIndex + 1) {
    TRY(replica_->replay(kFirstIndex, LogEntry{.kind = LogEntry::Kind::nothing}));
  }
  const std::uint64_t applied = replica_->applied_index();
  if (applied + 1 < found.first || applied < found.pending || applied > std::max(found.last, found.pending)) {
    return error(Errc::corrupt, "the state has entry " + std::to_string(applied) + ", the log entries " +
                                    std::to_string(found.first) + " to " + std::to_string(found.last));
  }
  return {};
}

void ClusterNode::start() {
  log().set_start(replica_->applied_index(), set_->record().incarnation);
  worker_ = std::thread([this] { work(); });
  LocalNode::start();
  attached_ = true;
  cluster_.transport->attach(*this);
}

void ClusterNode::batch_applied() {
  log().applied(replica_->applied_index());
  LocalNode::batch_applied();
}

void ClusterNode::stop() {
  if (!attached_) return LocalNode::stop();
  if (options_.flush_at_stop) hand_over();
  log_->expect_stop();
  attached_ = false;
  cluster_.transport->detach();
  {
    const std::lock_guard lock(mutex_);
    worker_stops_ = true;
  }
  wake_.notify_all();
  worker_.join();
  drop_snapshots();
  LocalNode::stop();
}

/// Another voter takes over in milliseconds; left alone, the others would find out by the silence.
void ClusterNode::hand_over() {
  const std::uint64_t to = closest_voter();
  if (!is_leader() || to == 0) return;
  firn_raft_transfer(log().raft(), to);
  const auto end = std::chrono::steady_clock::now() + kHandOverPatience;
  while (is_leader() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(kLookPeriod);
}

bool ClusterNode::is_leader() const { return log().standing().leads; }
NodeId ClusterNode::leader() const { return node_of(log().standing().leader); }

std::vector<Node::Member> ClusterNode::members() const {
  std::vector<Member> members;
  for (const FirnRaftMember& member : log().raft_members()) {
    members.push_back({.node = node_of(member.id),
                       .voter = member.voter,
                       .recently_heard = member.active,
                       .last_index = member.matched});
  }
  return members;
}

std::optional<FirnRaftMember> ClusterNode::find_member(NodeId node) const {
  for (const FirnRaftMember& member : log().raft_members()) {
    if (node_of(member.id) == node) return member;
  }
  return std::nullopt;
}

std::uint64_t ClusterNode::closest_voter() const {
  std::uint64_t closest = 0, matched = 0;
  for (const FirnRaftMember& member : log().raft_members()) {
    if (!member.voter || !member.active || member.id == log().member() || member.matched < matched) continue;
    closest = member.id;
    matched = member.matched;
  }
  return closest;
}

Task<> ClusterNode::pause(std::chrono::milliseconds time) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
  co_await timer.async_wait(boost::asio::use_awaitable);
  co_return Unit{};
}

Task<> ClusterNode::change_members(MemberChange change, NodeId node) {
  const Gatekeeper::Pass pass(gatekeeper_);
  if (!pass) co_return error(Errc::cancelled, "the metadata tier is stopping");
  const auto end = std::chrono::steady_clock::now() + cluster_.patience;
  for (int look = 0; !in_force(change, find_member(node)); ++look) {
    const std::optional<FirnRaftMember> member = find_member(node);
    if (!member) co_return error(Errc::not_found, "node " + std::to_string(node.value) + " is no member");
    if (!is_leader() || std::chrono::steady_clock::now() > end) co_return not_leading();
    if (look % kLooksPerRequest == 0) firn_raft_change(log().raft(), kind_of(change), member->id);
    CO_TRY(co_await pause(kLookPeriod));
  }
  co_return Unit{};
}

Task<> ClusterNode::transfer_leadership(NodeId to) {
  const Gatekeeper::Pass pass(gatekeeper_);
  if (!pass) co_return error(Errc::cancelled, "the metadata tier is stopping");
  if (!is_leader() || to == cluster_.node) co_return Unit{};
  const std::optional<FirnRaftMember> member = find_member(to);
  if (to.value != 0 && (!member || !member->voter)) co_return error(Errc::invalid_argument, "that node is no voter");
  const std::uint64_t chosen = member ? member->id : closest_voter();
  if (chosen == 0) co_return error(Errc::durability_unavailable, "no other voter is there");
  firn_raft_transfer(log().raft(), chosen);
  const auto end = std::chrono::steady_clock::now() + kHandOverPatience;
  while (is_leader()) {
    if (std::chrono::steady_clock::now() > end) co_return error(Errc::request_timeout, "that node does not take over");
    CO_TRY(co_await pause(kLookPeriod));
  }
  co_return Unit{};
}

void ClusterNode::send(NodeId to, char kind, std::string_view payload) {
  if (attached_) cluster_.transport->send(to, make_message(kind, payload));
}

void ClusterNode::receive(NodeId from, std::string message) {
  const ClusterMessage parsed = parse_message(message);
  if (parsed.kind == kRaftMessage) {
    firn_raft_receive(log().raft(),
                      {reinterpret_cast<const std::uint8_t*>(parsed.payload.data()), parsed.payload.size()});
    return;
  }
  ByteReader in(parsed.payload);
  const auto member = in.little<std::uint64_t>();
  if (!in.done() || node_of(member) != from) return;
  if (parsed.kind == kSnapshotRefused) firn_raft_snapshot_refused(log().raft(), member);
  if (parsed.kind == kJoinRequest && is_leader()) {
    const auto change = MembershipKeeper::admit(log().raft_members(), member);
    if (change) firn_raft_change(log().raft(), change->kind, change->member);
  }
}

void ClusterNode::unreachable(NodeId to) { firn_raft_unreachable(log().raft(), to.value); }

void ClusterNode::leader_became(NodeId leader) {
  log::info("metadata: {}", leader.value == 0 ? "no node leads" : "node " + std::to_string(leader.value) + " leads");
  if (leader == cluster_.node) {
    // What a crash of the last leader's node left of deleted buckets.
    later([this] { client_->resume_sweeps(); });
  } else if (leader.value != 0) {
    // A snapshot that was offered to an earlier start of this process is forgotten: the leader would wait for it.
    refuse_snapshot(leader);
  }
  if (events_.leader_changed) events_.leader_changed(leader);
}

void ClusterNode::refuse_snapshot(NodeId leader) {
  std::string payload;
  append_little(payload, log().member());
  send(leader, kSnapshotRefused, payload);
}

void ClusterNode::on_tick() {
  const auto per_second = static_cast<std::uint64_t>(std::max<std::int64_t>(1, 1'000 / cluster_.tick.count()));
  if (ticks_++ % per_second != 0) return;
  const FirnRaftStatus standing = log().standing();
  const auto change =
      keeper_.look(standing.leads, log().raft_members(), standing.committed, std::chrono::steady_clock::now());
  if (change) firn_raft_change(log().raft(), change->kind, change->member);
  if (standing.last == 0) ask_to_join();
  let_snapshot_go();
}

void ClusterNode::ask_to_join() {
  std::string payload;
  append_little(payload, log().member());
  for (const NodeId peer : cluster_.peers) send(peer, kJoinRequest, payload);
}

}  // namespace firn::metadata
