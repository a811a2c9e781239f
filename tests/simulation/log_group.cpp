#include "log_group.h"

#include <algorithm>

#include "firn/base/assert.h"
#include "rows/try.h"

namespace firn::simulation {

using namespace std::chrono_literals;
using metadata::LogEntry;

LogGroup::LogGroup(Network& network, std::uint32_t nodes, Random random, Trace& trace)
    : network_(network), nodes_(nodes), random_(random), trace_(trace) {
  auto applier = metadata::Applier::open(state_);
  FIRN_ASSERT(applier.has_value());
  applier_.emplace(*std::move(applier));
  for (NodeId node{1}; node.value <= nodes; ++node.value) voters_.push_back(node);
}

void LogGroup::retire(NodeId node) {
  learners_.erase(node);
  if (std::erase(voters_, node) == 0 || learners_.empty()) return;
  voters_.push_back(learners_.extract(learners_.begin()).value());
}

bool LogGroup::has_quorum(NodeId node) const {
  const auto reached = std::ranges::count_if(
      voters_, [&](NodeId other) { return network_.connected(node, other) && network_.connected(other, node); });
  return static_cast<std::size_t>(reached) > voters_.size() / 2;
}

bool LogGroup::leads(NodeId node) const {
  if (leader_ == node) return true;
  const auto found = believes_until_.find(node);
  return found != believes_until_.end() && VirtualTime::elapsed() < found->second;
}

void LogGroup::depose() {
  if (leader_.value == 0) return;
  believes_until_[leader_] = VirtualTime::elapsed() + std::chrono::milliseconds(random_.below(2'000));
  trace_.add("deposed", leader_.value);
  leader_ = {};
}

boost::asio::awaitable<void> LogGroup::hold_elections(const bool& ended) {
  while (!ended) {
    if (leader_.value != 0 && !has_quorum(leader_)) depose();
    if (leader_.value == 0) {
      co_await sleep(std::chrono::milliseconds(random_.between(100, 900)));
      const NodeId candidate = voters_[random_.below(voters_.size())];
      if (network_.up(candidate) && has_quorum(candidate)) {
        leader_ = candidate;
        trace_.add("elected", candidate.value);
      }
      continue;
    }
    co_await sleep(500ms);
  }
}

boost::asio::awaitable<void> LogGroup::carry(LogEntry::Kind kind, metadata::Origin origin, std::string command) {
  const NodeId from{static_cast<std::uint32_t>(origin.member)};
  const NodeId to = leader_;
  if (to.value == 0) co_return;
  const bool arrived = co_await network_.carry(from, to);
  if (!arrived) co_return;
  // Whoever led was frozen with it in its hands, and passes it on when it wakes up.
  const bool held_up = random_.one_in(200);
  if (held_up) {
    co_await sleep(std::chrono::milliseconds(random_.between(500, 30'000)));
  } else if (leader_ != to) {
    co_return;
  }
  co_await sleep(std::chrono::microseconds(random_.between(300, 1'500)));
  if (!leader_has_quorum()) co_return;
  if (leader_ != to && !held_up && random_.one_in(2)) co_return;
  commit(kind, origin, std::move(command));
}

void LogGroup::commit(LogEntry::Kind kind, metadata::Origin origin, std::string command) {
  if (failed_) return;
  const std::uint64_t index = entries_.size() + 1;
  metadata::Transaction changes(state_);
  auto outcome = applier_->apply(index, {.kind = kind, .origin = origin, .command = command}, changes);
  if (!outcome) {
    failed_ = true;
    return on_failed(outcome.error());
  }
  state_.commit(changes);
  trace_.add("commit", index, origin.member,
             outcome->answer ? 0 : static_cast<std::uint64_t>(outcome->answer.error().code));
  entries_.push_back({.kind = kind,
                      .origin = origin,
                      .command = std::move(command),
                      .answer = std::move(outcome->answer),
                      .map = std::move(outcome->map),
                      .at = VirtualTime::elapsed()});
  if (on_applied) on_applied(index);
  changed_.notify();
}

Result<metadata::MapState> LogGroup::replay(std::uint64_t restart_at) const {
  metadata::MapState state;
  TRY_LET(metadata::Applier applier, metadata::Applier::open(state));
  for (std::uint64_t index = 1; index <= entries_.size(); ++index) {
    const Entry& entry = entries_[index - 1];
    metadata::Transaction changes(state);
    TRY(applier.apply(index, {.kind = entry.kind, .origin = entry.origin, .command = entry.command}, changes));
    state.commit(changes);
    if (index != restart_at) continue;
    TRY_LET(applier, metadata::Applier::open(state));
  }
  return state;
}

}  // namespace firn::simulation
