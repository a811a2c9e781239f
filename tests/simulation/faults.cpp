#include "faults.h"

#include "map_lookup.h"

namespace firn::simulation {

using namespace std::chrono_literals;

boost::asio::awaitable<void> Faults::run(const bool& ended) {
  while (!ended) {
    co_await sleep(std::chrono::milliseconds(random_.between(300, 6'000)));
    if (ended) co_return;
    ++count_;
    co_await strike();
  }
}

boost::asio::awaitable<void> Faults::last(std::uint64_t most_ms) {
  co_await sleep(std::chrono::milliseconds(random_.between(50, most_ms)));
}

boost::asio::awaitable<void> Faults::strike() {
  switch (random_.below(stops_ ? 14 : 12)) {
    case 0:
    case 1:
    case 2:
      co_return co_await kill_one();
    case 3:
      co_return co_await cut_the_power();
    case 4:
    case 5:
      co_return co_await partition();
    case 6:
      co_return co_await lose_messages();
    case 7:
      cluster_.log.depose();
      co_return;
    case 8:
    case 9:
      co_return co_await trouble_a_drive();
    case 10:
      co_return co_await replace_drives(random_.one_in(3));
    case 11:
    case 12:
      co_return co_await stop_one();
    default:
      flip();
  }
}

boost::asio::awaitable<void> Faults::kill_one() {
  const NodeId node = some_node();
  cluster_.kill(node, random_.one_in(2));
  // Longer and shorter than it takes to be put out.
  co_await last(12'000);
  co_await cluster_.start(node);
}

boost::asio::awaitable<void> Faults::stop_one() {
  const NodeId id = some_node();
  // Sometimes two at once, of which one does not get far.
  const NodeId second = random_.one_in(4) ? some_node() : id;
  for (const NodeId each : {second, id}) {
    if (cluster_.node(each) == nullptr || !cluster_.node(each)->serving()) co_return;
  }
  cluster_.trace.add("stop", id.value, second.value);
  if (cluster_.log.leads(id)) cluster_.log.depose();
  if (second != id) cluster_.node(second)->begin_to_leave();
  if (random_.one_in(3)) {
    cluster_.node(id)->begin_to_leave();
    co_await last(3'000);
  } else {
    co_await cluster_.node(id)->leave();
  }
  cluster_.kill(second, random_.one_in(4));
  cluster_.kill(id, random_.one_in(4));
  co_await last(8'000);
  cluster_.network.set_up(id, true);
  cluster_.network.set_up(second, true);
  co_await cluster_.start(id);
  co_await cluster_.start(second);
}

boost::asio::awaitable<void> Faults::cut_the_power() {
  for (std::uint32_t node = 1; node <= cluster_.nodes(); ++node) cluster_.kill(NodeId{node}, true);
  co_await last(2'000);
  // A start waits for a leader, and there is none before most nodes are there: all at once.
  for (std::uint32_t node = 1; node <= cluster_.nodes(); ++node) cluster_.network.set_up(NodeId{node}, true);
  for (const NodeId node : cluster_.down()) co_await cluster_.start(node);
}

boost::asio::awaitable<void> Faults::partition() {
  const NodeId one = some_node();
  const bool alone = random_.one_in(2);
  const NodeId other = some_node();
  const std::uint64_t ways = random_.between(1, 3);  // From, to, both.
  for (std::uint32_t node = 1; node <= cluster_.nodes(); ++node) {
    const NodeId peer{node};
    if (peer == one || (!alone && peer != other)) continue;
    if ((ways & 1) != 0) cluster_.network.cut(one, peer);
    if ((ways & 2) != 0) cluster_.network.cut(peer, one);
  }
  cluster_.trace.add("cut", one.value, alone ? 0 : other.value, ways);
  co_await last(10'000);
  cluster_.network.heal();
}

boost::asio::awaitable<void> Faults::lose_messages() {
  cluster_.network.lose(random_.between(5, 120));
  co_await last(5'000);
  cluster_.network.heal();
}

boost::asio::awaitable<void> Faults::trouble_a_drive() {
  Drive& drive = some_drive();
  const std::uint64_t kind = random_.below(3);
  if (server::find_drive(cluster_.map(), drive.index()) == nullptr) co_return;  // Gone for good.
  if (kind == 0 && !broken_) {
    broken_ = drive.index();
    drive.break_down();
    co_return;
  }
  if (kind == 1) drive.set_slow(true);
  if (kind == 2) drive.set_full(true);
  co_await last(6'000);
  drive.set_slow(false);
  drive.set_full(false);
}

boost::asio::awaitable<void> Faults::replace_drives(bool all_of_node) {
  const bool broken = broken_.has_value();
  // All that is short of a shard is so for the broken drive's sake, or nothing is.
  if (flipped_ || (!broken && !cluster_.whole()) || !cluster_.down().empty()) co_return;
  const DriveIndex drive = broken ? *broken_ : some_drive().index();
  if (server::find_drive(cluster_.map(), drive) == nullptr) {
    broken_.reset();  // It was given up.
    co_return;
  }
  if (broken) {
    const auto map = cluster_.map();
    for (const auto& other : map.drives) {
      if (other.out && other.index != drive) co_return;
    }
    if (!cluster_.only_short_on(drive)) co_return;
  }
  const NodeId node = cluster_.owner(drive);
  cluster_.kill(node, false);
  for (auto& place : cluster_.drives()) {
    const DriveIndex index = place.drive->index();
    const bool known = server::find_drive(cluster_.map(), index) != nullptr;
    const bool wanted = index == drive || (all_of_node && !broken && place.owner == node && known);
    if (wanted) cluster_.replace_drive(index);
  }
  broken_.reset();
  co_await last(5'000);
  co_await cluster_.start(node);
}

boost::asio::awaitable<bool> Faults::replace_broken() {
  const auto until = VirtualTime::elapsed() + 30min;
  while (broken_ && VirtualTime::elapsed() < until) {
    co_await cluster_.follow_map();
    flipped_ = false;  // With it two shards are gone: m.
    co_await replace_drives(false);
    co_await sleep(1s);
  }
  if (broken_) cluster_.wrong("what is short of a shard elsewhere than on a broken drive is not repaired");
  co_return !broken_;
}

void Faults::flip() {
  if (flipped_ || broken_ || !cluster_.whole()) return;
  flipped_ = some_drive().flip_a_bit().has_value();
}

boost::asio::awaitable<void> Faults::heal() {
  cluster_.network.heal();
  for (auto& place : cluster_.drives()) {
    place.drive->set_slow(false);
    place.drive->set_full(false);
  }
  for (const NodeId node : cluster_.down()) cluster_.network.set_up(node, true);
  while (!cluster_.down().empty()) {
    for (const NodeId node : cluster_.down()) co_await cluster_.start(node);
    co_await sleep(500ms);
  }
}

}  // namespace firn::simulation
