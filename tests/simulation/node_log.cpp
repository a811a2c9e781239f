#include "node_log.h"

#include <boost/asio/co_spawn.hpp>

#include "server/replica.h"

namespace firn::simulation {

using namespace std::chrono_literals;
using metadata::LogEntry;

namespace {

constexpr auto kPatience = 10s;       // RaftLog::Options::patience
constexpr auto kUnseenMax = 1'200ms;  // Two elections.
constexpr auto kFencePause = 600ms;

void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

void NodeLog::spawn(boost::asio::awaitable<void> work) {
  ++under_way_;
  boost::asio::co_spawn(parts_.executor, std::move(work), [this](std::exception_ptr thrown) {
    --under_way_;
    rethrow(thrown);
  });
}

void NodeLog::send(LogEntry::Kind kind, std::uint64_t sequence, std::string command) {
  const metadata::Origin origin{.member = parts_.node.value, .start = parts_.start, .sequence = sequence};
  // What is on its way stays so when the process is gone.
  boost::asio::co_spawn(parts_.executor, parts_.group.carry(kind, origin, std::move(command)), rethrow);
}

void NodeLog::propose(std::unique_ptr<metadata::Proposal> proposal) {
  if (!alive_) return proposal->fail(error(Errc::cancelled, "killed"));
  auto pending = std::make_shared<Pending>();  // Shared by whoever carries it out and whoever sees it applied.
  pending->proposal = std::move(proposal);
  spawn(carry_out(std::move(pending)));
}

boost::asio::awaitable<void> NodeLog::carry_out(std::shared_ptr<Pending> pending) {
  const auto until = VirtualTime::elapsed() + kPatience;
  while (!pending->done()) {
    if (!alive_) {
      pending->proposal->fail(error(Errc::cancelled, "killed"));
      co_return;
    }
    pending->sequence = next_sequence_++;
    sent_[pending->sequence] = pending;
    send(LogEntry::Kind::command, pending->sequence, pending->proposal->entry);
    co_await pending->seen.wait_for(kUnseenMax);
    if (!pending->done()) co_await settle(pending, until);
    sent_.erase(pending->sequence);
    const bool settled = settled_below_ > pending->sequence;
    if (pending->done() || (settled && alive_)) continue;
    auto proposal = std::exchange(pending->proposal, nullptr);
    proposal->fail(error(Errc::ambiguous, "the metadata leader does not answer"));
  }
}

/// Until it was seen, or can't come any more, or it is too late.
boost::asio::awaitable<void> NodeLog::settle(std::shared_ptr<Pending> pending, std::chrono::nanoseconds until) {
  while (alive_ && !pending->done() && settled_below_ <= pending->sequence && VirtualTime::elapsed() < until) {
    send(LogEntry::Kind::fence, next_sequence_, {});
    co_await pending->seen.wait_for(kFencePause);
  }
}

void NodeLog::apply(const LogGroup::Entry& entry) {
  const bool own = entry.origin.member == parts_.node.value && entry.origin.start == parts_.start;
  if (own && entry.kind == LogEntry::Kind::fence) {
    settled_below_ = std::max(settled_below_, entry.origin.sequence);
    for (auto& [sequence, pending] : sent_) {
      if (sequence < settled_below_) pending->seen.notify();
    }
  }
  if (own && entry.kind == LogEntry::Kind::command) {
    const auto found = sent_.find(entry.origin.sequence);
    if (found != sent_.end() && !found->second->done()) {
      const auto pending = found->second;
      const auto proposal = std::exchange(pending->proposal, nullptr);
      static_cast<metadata::CommandProposal&>(*proposal).answer(entry.answer);
      pending->seen.notify();
    }
  }
  if (entry.map && parts_.map_changed) parts_.map_changed(*entry.map);
}

boost::asio::awaitable<void> NodeLog::follow() {
  ++under_way_;
  while (alive_) {
    const std::uint64_t committed = parts_.group.committed();
    if (applied_ == committed) {
      co_await parts_.group.changed().wait_for(5s);
      continue;
    }
    const NodeId leader = parts_.group.leader();
    const bool heard = leader.value != 0 && co_await parts_.network.carry(leader, parts_.node);
    if (!heard) {
      co_await sleep(200ms);
      continue;
    }
    while (alive_ && applied_ < committed) apply(parts_.group.entries()[applied_++]);
    applied_changed_.notify();
  }
  --under_way_;
}

void NodeLog::read_barrier(Barrier reached) {
  if (!alive_) return reached(error(Errc::cancelled, "killed"));
  spawn(reach(std::move(reached)));
}

boost::asio::awaitable<void> NodeLog::reach(Barrier reached) {
  const auto until = VirtualTime::elapsed() + kPatience;
  while (alive_ && VirtualTime::elapsed() < until) {
    std::uint64_t index = 0;
    const bool asked = co_await ask_leader(index);
    if (!asked) {
      co_await sleep(kFencePause);
      continue;
    }
    while (alive_ && applied_ < index && VirtualTime::elapsed() < until) co_await applied_changed_.wait_for(1s);
    if (alive_ && applied_ >= index) co_return reached({});
  }
  reached(error(Errc::durability_unavailable, "no leader could be asked"));
}

boost::asio::awaitable<bool> NodeLog::ask_leader(std::uint64_t& index) {
  const NodeId leader = parts_.group.leader();
  if (leader.value == 0) co_return false;
  const bool asked = co_await parts_.network.carry(parts_.node, leader);
  if (!asked || parts_.group.leader() != leader || !parts_.group.leader_has_quorum()) co_return false;
  index = parts_.group.committed();
  co_return co_await parts_.network.carry(leader, parts_.node);
}

void NodeLog::kill() {
  alive_ = false;
  for (auto& [sequence, pending] : sent_) pending->seen.notify();
  applied_changed_.notify();
  parts_.group.changed().notify();
}

}  // namespace firn::simulation
