#include "simulation.h"

#include <boost/asio/co_spawn.hpp>

#include "cluster.h"
#include "faults.h"
#include "firn/base/checksum.h"
#include "operator.h"
#include "query/check.h"
#include "query/query.h"

namespace firn::simulation {
namespace {

using namespace std::chrono_literals;

constexpr auto kCheckPause = 700ms;
/// In simulated time. Background work sleeps for a minute at most.
constexpr auto kHealMax = 30min;

void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

boost::asio::awaitable<void> counted(boost::asio::awaitable<void> work, std::size_t& left) {
  co_await std::move(work);
  --left;
}

boost::asio::awaitable<void> check_again_and_again(Cluster& cluster, const bool& ended) {
  while (!ended) {
    cluster.check();
    co_await sleep(kCheckPause);
  }
}

/// Waits until `done`; says what is not so when that takes too long.
template <class Condition>
boost::asio::awaitable<bool> wait_until(Cluster& cluster, Condition done, const char* what) {
  const auto until = VirtualTime::elapsed() + kHealMax;
  while (!done() && VirtualTime::elapsed() < until && cluster.outcome.wrong.empty()) {
    co_await cluster.follow_map();
    co_await sleep(1s);
  }
  if (done()) co_return true;
  if (cluster.outcome.wrong.empty()) cluster.wrong(what);
  co_return false;
}

/// Reads every shard of every extent, as `firn verify` does, and has what is bad repaired.
boost::asio::awaitable<void> verify_all(Cluster& cluster) {
  const auto map = cluster.map();
  for (const auto& set : map.sets) {
    const auto extents =
        metadata::query::list_extents(cluster.log.state(), {.set = set.id, .after = {}, .limit = 10'000});
    for (auto extent : *extents) {
      Node* const node = cluster.any_node(cluster.random);
      if (node == nullptr) continue;
      const volume::ExtentPart part{extent.extent, extent.set, extent.extent_bytes, {0, extent.extent_bytes}};
      const auto bad = co_await node->volumes().verify(part);
      extent.missing = bad.value_or(0);
      std::vector<metadata::DegradedExtent> one(1, extent);
      if (extent.missing != 0) (void)co_await node->metadata().mark_missing(std::move(one));
    }
  }
}

boost::asio::awaitable<void> read_all(Cluster& cluster, Clients& clients) {
  for (std::size_t i = 0; i < Clients::kKeys; ++i) {
    for (std::uint32_t id = 1; id <= cluster.nodes(); ++id) {
      if (cluster.retired(NodeId{id})) continue;
      const auto token = co_await clients.read(*cluster.node(NodeId{id}), Clients::key(i));
      if (!token) cluster.wrong(Clients::key(i) + " can't be read: " + std::string(to_string(token.error().code)));
    }
  }
}

boost::asio::awaitable<void> restart_all(Cluster& cluster) {
  for (std::uint32_t id = 1; id <= cluster.nodes(); ++id) {
    if (cluster.retired(NodeId{id})) continue;
    cluster.kill(NodeId{id}, false);
    co_await sleep(100ms);
    while (cluster.node(NodeId{id}) == nullptr) co_await cluster.start(NodeId{id});
  }
}

/// Until all that is to leave has left, and the rest is even.
boost::asio::awaitable<bool> settle_growth(Cluster& cluster, Operator* growth) {
  if (growth == nullptr) co_return true;
  const auto until = VirtualTime::elapsed() + kHealMax;
  const auto go_on = [&] { return VirtualTime::elapsed() < until && cluster.outcome.wrong.empty(); };
  const bool finished = co_await growth->finish(go_on);
  if (!finished && cluster.outcome.wrong.empty())
    cluster.wrong("what grows and shrinks does not come to its end: " + cluster.uneven() + cluster.leaving());
  co_return finished;
}

/// After the faults: everything is made whole, readable and tidy.
boost::asio::awaitable<void> conclude(Cluster& cluster, Faults& faults, Operator* growth, Clients& clients) {
  co_await cluster.follow_map();
  co_await faults.heal();
  const auto whole = [&] { return cluster.whole(); };
  const bool settled = co_await faults.replace_broken();
  if (!settled || !co_await settle_growth(cluster, growth)) co_return;
  if (!co_await wait_until(cluster, whole, "the cluster does not get whole")) co_return;
  co_await verify_all(cluster);
  if (!co_await wait_until(cluster, whole, "what a check found bad is not repaired")) co_return;
  co_await read_all(cluster, clients);
  // Leases close when a gateway comes again; then nothing is left of what was begun and not finished.
  co_await restart_all(cluster);
  const auto clean = [&] { return cluster.whole() && (growth == nullptr || cluster.level()) && cluster.clean(); };
  if (!co_await wait_until(cluster, clean, "orphans are not collected")) {
    cluster.wrong("left, without a holder:" + cluster.orphans());
    co_return;
  }
  cluster.check();
  co_await read_all(cluster, clients);
}

void compare_replica(Cluster& cluster) {
  const auto replica = cluster.log.replay(cluster.log.committed() / 2);
  if (!replica) return cluster.wrong("the log can't be applied again");
  for (std::size_t i = 0; i < metadata::kFamilies; ++i) {
    const auto family = static_cast<metadata::Family>(i);
    const bool same = replica->rows(family) == cluster.log.state().rows(family);
    if (!same) cluster.wrong("a replica comes to another state");
  }
  const auto checked = metadata::query::check(cluster.log.state());
  if (!checked) return cluster.wrong("the state can't be read");
  for (const std::string& problem : checked->problems) cluster.wrong(problem);
}

boost::asio::awaitable<void> none_left(const std::size_t& running) {
  while (running > 0) co_await sleep(500ms);
}

}  // namespace

boost::asio::awaitable<Outcome> simulate(Runtime& runtime, Scenario scenario) {
  Cluster cluster(runtime, scenario);
  co_await cluster.begin();
  Clients clients({.log = cluster.log,
                   .history = cluster.history,
                   .trace = cluster.trace,
                   .any_node = [&] { return cluster.any_node(cluster.random); },
                   .wrong = [&](std::string what) { cluster.wrong(std::move(what)); }},
                  cluster.random.fork());
  Faults faults(cluster, cluster.random.fork(), scenario.stops);
  std::optional<Operator> growth;
  if (scenario.moves) growth.emplace(cluster, cluster.random.fork());
  bool ended = false;
  std::size_t helpers = scenario.moves ? 3 : 2;
  boost::asio::co_spawn(runtime.io(0), counted(check_again_and_again(cluster, ended), helpers), rethrow);
  boost::asio::co_spawn(runtime.io(0), counted(faults.run(ended), helpers), rethrow);
  if (growth) boost::asio::co_spawn(runtime.io(0), counted(growth->run(ended), helpers), rethrow);
  std::size_t working = scenario.clients;
  for (std::size_t i = 0; i < scenario.clients; ++i) {
    boost::asio::co_spawn(runtime.io(0), counted(clients.run(scenario.operations), working), rethrow);
  }
  co_await none_left(working);
  ended = true;
  co_await none_left(helpers);

  if (cluster.outcome.wrong.empty()) co_await conclude(cluster, faults, growth ? &*growth : nullptr, clients);
  co_await cluster.end();
  if (!scenario.sabotage) compare_replica(cluster);
  for (std::string& contradiction : cluster.history.contradictions()) cluster.wrong(std::move(contradiction));
  Outcome outcome = cluster.outcome;
  outcome.trace = cluster.trace.hash();
  outcome.events = cluster.trace.events();
  outcome.entries = cluster.log.committed();
  outcome.acknowledged = cluster.history.acknowledged();
  outcome.operations = cluster.history.operations().size();
  outcome.faults = faults.count();
  outcome.seconds = std::chrono::duration<double>(VirtualTime::elapsed()).count();
  co_return outcome;
}

}  // namespace firn::simulation
