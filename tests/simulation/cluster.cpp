#include "cluster.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cmath>

#include "apply/extents.h"
#include "growth/growth.h"
#include "map_lookup.h"
#include "query/query.h"
#include "rows/keys.h"

namespace firn::simulation {
namespace {

using namespace std::chrono_literals;

constexpr erasure::Shape kShape{.data = 4, .parity = 2};
constexpr std::size_t kToldMax = 5;
constexpr std::size_t kAll = 1'000'000;

void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

/// Where the shard's records may lie: on its drive, and the one it moves from.
std::vector<DriveIndex> places_of(const metadata::SetRecord& set, std::uint8_t shard) {
  std::vector<DriveIndex> places(1, set.members[shard]);
  for (const auto& move : set.moves) {
    if (move.shard == shard && !move.done) places.push_back(move.from);
  }
  return places;
}

Uuid numbered(std::uint64_t number) {
  Uuid id;
  std::memcpy(id.bytes.data(), &number, sizeof number);
  return id;
}

}  // namespace

Cluster::Cluster(Runtime& runtime_of, const Scenario& scenario)
    : runtime(runtime_of),
      random(scenario.seed),
      network(random.fork(), trace),
      log(network, random.one_in(3) ? 6 : 4, random.fork(), trace),
      scenario_(scenario) {
  const std::uint32_t count = log.nodes();
  const std::uint64_t drives_each = count == 4 ? random.between(2, 3) : random.between(1, 2);
  now_.resize(count);
  starts_.resize(count);
  for (std::uint32_t node = 1; node <= count; ++node) {
    for (std::uint64_t i = 0; i < drives_each; ++i) {
      const DriveIndex index{static_cast<std::uint16_t>(drives_.size())};
      auto drive = std::make_unique<Drive>(index, numbered(++uuids_), random.fork(), trace);
      drive->set_lying(scenario.drives_lie);
      drives_.push_back({std::move(drive), NodeId{node}});
    }
  }
  log.on_applied = [this](std::uint64_t index) { applied(index); };
  log.on_failed = [this](const Error& why) { wrong("an entry can't be applied: " + why.detail); };
}

metadata::MapRecord Cluster::first_map() const {
  std::vector<metadata::DriveRecord> drives;
  for (const auto& place : drives_) {
    drives.push_back({place.drive->index(), place.drive->uuid(), server::domain_of(place.owner), false});
  }
  return server::first_map(numbered(scenario_.seed), std::move(drives), kShape);
}

boost::asio::awaitable<void> Cluster::begin() {
  boost::asio::co_spawn(runtime.io(0), log.hold_elections(ended_), rethrow);
  for (std::uint32_t node = 1; node <= nodes(); ++node) co_await start(NodeId{node});
  while (any_node(random) == nullptr) co_await sleep(100ms);
  while (log.state().rows(metadata::Family::buckets).empty()) {
    (void)co_await any_node(random)->store().create_bucket("bucket", {});
  }
}

Node* Cluster::any_node(Random& chooser) {
  std::vector<Node*> serving;
  for (Node* const node : now_) {
    if (node != nullptr && node->serving()) serving.push_back(node);
  }
  return serving.empty() ? nullptr : serving[chooser.below(serving.size())];
}

boost::asio::awaitable<void> Cluster::start(NodeId id) {
  if (node(id) != nullptr || ended_ || retired(id)) co_return;
  const Ground ground{.runtime = runtime,
                      .network = network,
                      .log = log,
                      .trace = trace,
                      .drives = drives_,
                      .removing = [this](DriveIndex drive, const ExtentId& extent) { removing(drive, extent); },
                      .moves = scenario_.moves};
  trace.add("start", id.value, starts_[id.value - 1] + 1);
  network.set_up(id, true);
  Node* const started = all_.emplace_back(std::make_unique<Node>(ground, id, ++starts_[id.value - 1])).get();
  started->set_peers([this] { return now_; });
  now_[id.value - 1] = started;
  const auto opened = co_await started->open([this] { return first_map(); });
  // A node that can't start is started again, by whatever runs it.
  if (!opened && started->alive()) kill(id, false);
}

void Cluster::kill(NodeId id, bool power) {
  Node* const gone = node(id);
  if (gone == nullptr) return;
  trace.add("kill", id.value, power ? 1 : 0);
  gone->kill();
  now_[id.value - 1] = nullptr;
  for (auto& place : drives_) {
    if (place.owner == id) place.drive->crash(power);
  }
}

std::vector<NodeId> Cluster::down() const {
  std::vector<NodeId> ids;
  for (std::uint32_t id = 1; id <= now_.size(); ++id) {
    if (now_[id - 1] == nullptr && !retired(NodeId{id})) ids.push_back(NodeId{id});
  }
  return ids;
}

boost::asio::awaitable<void> Cluster::end() {
  ended_ = true;
  for (std::uint32_t id = 1; id <= nodes(); ++id) kill(NodeId{id}, false);
  for (const auto& process : all_) co_await process->bury();
  // Messages that are held up have come by then.
  co_await sleep(120s);
  log.on_applied = nullptr;
  all_.clear();
}

void Cluster::add_place(NodeId owner) {
  const DriveIndex index{static_cast<std::uint16_t>(drives_.size())};
  auto drive = std::make_unique<Drive>(index, numbered(++uuids_), random.fork(), trace);
  drive->set_lying(scenario_.drives_lie);
  drives_.push_back({std::move(drive), owner});
  trace.add("added", index.value, owner.value);
  for (Node* const each : now_) {
    if (each != nullptr) each->connect(index);
  }
}

boost::asio::awaitable<void> Cluster::follow_map() {
  const auto now = map();
  std::set<NodeId> with_more;
  for (const auto& record : now.drives) {
    if (record.index.value < drives_.size()) continue;
    // Others may have been added and retired before anybody looked.
    while (drives_.size() < record.index.value) add_place(NodeId{});
    add_place(server::node_of(record.domain));
    with_more.insert(drives_.back().owner);
  }
  for (const auto& record : now.nodes) {
    if (record.node.value > now_.size()) {
      now_.resize(record.node.value);
      starts_.resize(record.node.value);
      log.join(record.node);
    }
    if (!record.retired || !retired_.insert(record.node).second) continue;
    trace.add("retired", record.node.value);
    kill(record.node, false);
    log.retire(record.node);
  }
  for (const NodeId id : with_more) {
    kill(id, false);
    co_await start(id);
  }
}

void Cluster::replace_drive(DriveIndex drive) { drives_[drive.value].drive->replace(numbered(++uuids_)); }

void Cluster::wrong(std::string what) {
  trace.add(what);
  if (outcome.wrong.size() < kToldMax) outcome.wrong.push_back(std::move(what));
}

// --- what is looked at as things happen ---

void Cluster::applied(std::uint64_t index) {
  if (scenario_.sabotage) scenario_.sabotage(log.mutable_state());
  note_leases(log.entries()[index - 1]);
  note_moves(index);
  for (std::size_t i = 0; i < Clients::kKeys; ++i) {
    const std::string key = Clients::key(i);
    const auto found = metadata::query::find_object(log.state(), Clients::bucket(), key, false);
    const auto order = found ? found->object.order : VersionOrder{};
    if (std::exchange(current_[key], order) == order) continue;
    if (!found) {
      history.changed(key, index, {}, {});
    } else {
      history.changed(key, index, found->object.etag, found->object.attributes.content_type);
    }
  }
}

/// No two writers ever have the same lease, and nobody commits what was written under another's.
void Cluster::note_leases(const LogGroup::Entry& entry) {
  if (!entry.answer || entry.kind != metadata::LogEntry::Kind::command) return;
  const std::pair writer(entry.origin.member, entry.origin.start);
  if (const auto* granted = std::get_if<LeaseId>(&*entry.answer)) {
    if (!writers_.emplace(*granted, writer).second) wrong("lease " + std::to_string(granted->value) + " granted twice");
  }
  const auto command = metadata::decode_command(entry.command);
  if (!command) return wrong("an entry that can't be read");
  const metadata::BodyRef* body = nullptr;
  if (const auto* put = std::get_if<metadata::PutObject>(&command->operation)) body = &put->body;
  if (const auto* part = std::get_if<metadata::PutPart>(&command->operation)) body = &part->body;
  if (body == nullptr) return;
  for (const auto& extent : body->extents) {
    if (writers_[extent.extent.lease] != writer) wrong("extent " + to_string(extent.extent) + " under another's lease");
  }
}

/// How much of it there was.
void Cluster::note_moves(std::uint64_t index) {
  if (!log.entries()[index - 1].map) return;
  const auto& after = *log.entries()[index - 1].map;
  for (const auto& set : after.sets) {
    const auto* before = server::find_set(map_, set.id);
    if (before == nullptr) continue;
    for (const auto& move : set.moves) {
      const auto was = std::ranges::find(before->moves, move.shard, &metadata::MoveRecord::shard);
      if (was != before->moves.end() && !was->done && move.done) ++outcome.moved;
    }
    outcome.given_up += before->moves.size() > set.moves.size() ? 1 : 0;
  }
  map_ = after;
}

/// Nothing that somebody holds may be removed. What has lost its last holder never gets one again.
void Cluster::removing(DriveIndex drive, const ExtentId& extent) {
  ++outcome.removed;
  const auto held = metadata::find_held(log.state(), extent);
  if (!held || !*held) return;
  wrong("extent " + to_string(extent) + " is removed from drive " + std::to_string(drive.value) + " while it is held");
}

// --- what is compared from time to time ---

void Cluster::check() {
  const auto& now = map();
  for (const auto& set : now.sets) check_shards(now, set);
  check_count();
}

/// A shard that is neither recorded missing nor on a drive that is out is on its drive, or on the one it moves from,
/// synced.
void Cluster::check_shards(const metadata::MapRecord& now, const metadata::SetRecord& set) {
  const auto extents = metadata::query::list_extents(log.state(), {.set = set.id, .after = {}, .limit = kAll});
  if (!extents) return wrong("the extents of a set can't be read");
  for (std::uint8_t shard = 0; shard < set.members.size(); ++shard) {
    const auto places = places_of(set, shard);
    // What nobody can have noticed yet is not counted yet: that another drive is in its place.
    const bool counted = std::ranges::any_of(places, [&](DriveIndex index) {
      const auto* record = server::find_drive(now, index);
      return record->out || record->uuid != drives_[index.value].drive->uuid();
    });
    for (const auto& extent : *extents) {
      const auto has = [&](DriveIndex index) {
        return drives_[index.value].drive->holds_synced({.extent = extent.extent, .stripe = 0, .shard = shard});
      };
      if (counted || (extent.missing >> shard & 1U) != 0 || std::ranges::any_of(places, has)) continue;
      wrong("shard " + std::to_string(shard) + " of extent " + to_string(extent.extent) + " of set " +
            std::to_string(set.id.value) + " is not on drive " + std::to_string(set.members[shard].value) +
            ", and not counted");
    }
  }
}

/// The count of objects below full redundancy, recounted from the objects themselves.
void Cluster::check_count() {
  const auto& now = map();
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < Clients::kKeys; ++i) {
    const auto found = metadata::query::find_object(log.state(), Clients::bucket(), Clients::key(i), false);
    if (!found) continue;
    below += std::ranges::any_of(found->object.slices, [&](const metadata::Slice& slice) {
      if (slice.is_inline()) return false;
      const auto* set = server::find_set(now, slice.set);
      bool out = false;
      for (std::uint8_t shard = 0; shard < set->members.size(); ++shard) {
        const auto places = places_of(*set, shard);
        out |= std::ranges::any_of(places, [&](auto drive) { return server::find_drive(now, drive)->out; });
      }
      return out ||
             log.state().rows(metadata::Family::degraded).contains(metadata::keys::degraded_extent(slice.extent));
    });
  }
  const auto counted = metadata::query::count_below_full_redundancy(log.state());
  if (counted && *counted == below) return;
  wrong(std::to_string(counted.value_or(0)) + " objects are counted below full redundancy where " +
        std::to_string(below) + " are");
}

bool Cluster::whole() const {
  const auto& now = map();
  const bool in = std::ranges::none_of(now.drives, [](const auto& drive) { return drive.out || drive.closing; });
  return in && log.state().rows(metadata::Family::degraded).empty() &&
         log.state().rows(metadata::Family::freed).empty();
}

bool Cluster::only_short_on(DriveIndex drive) const {
  const auto& now = map();
  const auto degraded = metadata::query::list_degraded(log.state(), {}, kAll);
  if (!degraded) return false;
  for (const auto& extent : *degraded) {
    const auto* set = server::find_set(now, extent.set);
    for (std::size_t shard = 0; shard < set->members.size(); ++shard) {
      const auto places = places_of(*set, static_cast<std::uint8_t>(shard));
      const bool short_of_it = (extent.missing >> shard & 1U) != 0;
      if (short_of_it && std::ranges::find(places, drive) == places.end()) return false;
    }
  }
  return true;
}

bool Cluster::level() {
  if (std::exchange(judged_, map_.version) != map_.version) uneven_ = find_uneven();
  return uneven_.empty();
}

std::string Cluster::find_uneven() const {
  const auto step = server::next_growth_step(map_);
  const auto progress = server::growth_progress(map_);
  const std::size_t left = progress.waiting + step.begin.size() + step.give_up.size() + step.add_sets;
  if (progress.moving + left > 0) {
    return std::to_string(progress.moving) + " shards of sets move, " + std::to_string(left) + " changes wait";
  }
  std::vector<server::BalanceDrive> staying;
  for (const auto& drive : map_.drives) {
    if (!drive.leaving) staying.push_back({.index = drive.index, .domain = drive.domain});
    if (!drive.leaving || server::places_on(map_, drive.index) == 0) continue;
    return "drive " + std::to_string(drive.index.value) + " leaves and is not empty";
  }
  const auto sets = std::ranges::count(map_.sets, false, &metadata::SetRecord::stopgap);
  const auto shares = server::fair_shares(staying, static_cast<std::size_t>(sets), kShape.total());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    std::size_t places = 0;
    for (const auto& set : map_.sets) {
      if (!set.stopgap) places += static_cast<std::size_t>(std::ranges::count(set.members, staying[i].index));
    }
    if (std::abs(static_cast<double>(places) - shares[i]) <= 1) continue;
    return "drive " + std::to_string(staying[i].index.value) + " has " + std::to_string(places) +
           " places in place of " + std::to_string(shares[i]);
  }
  return {};
}

std::string Cluster::leaving() const {
  std::string found;
  for (const auto& drive : map_.drives) {
    if (!drive.leaving) continue;
    found += " drive " + std::to_string(drive.index.value) + (drive.out ? " (out)" : "") + " leaves, with " +
             std::to_string(server::places_on(map_, drive.index)) + " places;";
  }
  return found;
}

std::string Cluster::why_left(const metadata::MapRecord& now, DriveIndex drive, const volume::RecordKey& key) const {
  const auto held = metadata::find_held(log.state(), key.extent);
  if (!held || !*held) return "nobody's";
  const auto places = places_of(*server::find_set(now, (*held)->set), key.shard);
  return std::ranges::find(places, drive) == places.end() ? "moved" : "";
}

std::string Cluster::orphans() const {
  std::string found;
  for (const auto& place : drives_) {
    const DriveIndex drive = place.drive->index();
    if (server::find_drive(map_, drive) == nullptr) continue;  // Gone for good.
    for (const auto& key : place.drive->keys()) {
      const std::string why = why_left(map_, drive, key);
      if (why.empty()) continue;
      found += " " + to_string(key.extent) + " shard " + std::to_string(key.shard) + " on drive " +
               std::to_string(drive.value) + " (" + why + ")";
    }
  }
  return found;
}

}  // namespace firn::simulation
