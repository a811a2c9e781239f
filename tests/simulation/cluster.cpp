#include "cluster.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "apply/extents.h"
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
  if (node(id) != nullptr || ended_) co_return;
  const Ground ground{.runtime = runtime,
                      .network = network,
                      .log = log,
                      .trace = trace,
                      .drives = drives_,
                      .removing = [this](DriveIndex drive, const ExtentId& extent) { removing(drive, extent); }};
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
    if (now_[id - 1] == nullptr) ids.push_back(NodeId{id});
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

void Cluster::replace_drive(DriveIndex drive) { drives_[drive.value].drive->replace(numbered(++uuids_)); }

void Cluster::wrong(std::string what) {
  trace.add(what);
  if (outcome.wrong.size() < kToldMax) outcome.wrong.push_back(std::move(what));
}

// --- what is looked at as things happen ---

void Cluster::applied(std::uint64_t index) {
  if (scenario_.sabotage) scenario_.sabotage(log.mutable_state());
  note_leases(log.entries()[index - 1]);
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

/// Nothing that somebody holds may be removed. What has lost its last holder never gets one again.
void Cluster::removing(DriveIndex drive, const ExtentId& extent) {
  ++outcome.removed;
  const auto held = metadata::find_held(log.state(), extent);
  if (!held || !*held) return;
  wrong("extent " + to_string(extent) + " is removed from drive " + std::to_string(drive.value) + " while it is held");
}

// --- what is compared from time to time ---

metadata::MapRecord Cluster::map() const {
  return metadata::query::cluster_map(log.state()).value_or(metadata::MapRecord{});
}

void Cluster::check() {
  const auto now = map();
  for (const auto& set : now.sets) check_shards(now, set);
  check_count();
}

/// A shard that is neither recorded missing nor on a drive that is out is on its drive, synced.
void Cluster::check_shards(const metadata::MapRecord& now, const metadata::SetRecord& set) {
  const auto extents = metadata::query::list_extents(log.state(), {.set = set.id, .after = {}, .limit = kAll});
  if (!extents) return wrong("the extents of a set can't be read");
  for (const auto& extent : *extents) {
    for (std::uint8_t shard = 0; shard < set.members.size(); ++shard) {
      const auto& drive = *drives_[set.members[shard].value].drive;
      const auto& record = now.drives[set.members[shard].value];
      // What nobody can have noticed yet is not counted yet: that another drive is in its place.
      if (record.out || record.uuid != drive.uuid() || (extent.missing >> shard & 1U) != 0) continue;
      if (drive.holds_synced({.extent = extent.extent, .stripe = 0, .shard = shard})) continue;
      wrong("shard " + std::to_string(shard) + " of extent " + to_string(extent.extent) + " of set " +
            std::to_string(set.id.value) + " is not on drive " + std::to_string(drive.index().value) +
            ", and not counted");
    }
  }
}

/// The count of objects below full redundancy, recounted from the objects themselves.
void Cluster::check_count() {
  const auto now = map();
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < Clients::kKeys; ++i) {
    const auto found = metadata::query::find_object(log.state(), Clients::bucket(), Clients::key(i), false);
    if (!found) continue;
    below += std::ranges::any_of(found->object.slices, [&](const metadata::Slice& slice) {
      if (slice.is_inline()) return false;
      const auto* set = server::find_set(now, slice.set);
      const bool out = std::ranges::any_of(set->members, [&](auto drive) { return now.drives[drive.value].out; });
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
  const auto now = map();
  const bool in = std::ranges::none_of(now.drives, [](const auto& drive) { return drive.out || drive.closing; });
  return in && log.state().rows(metadata::Family::degraded).empty() &&
         log.state().rows(metadata::Family::freed).empty();
}

bool Cluster::only_short_on(DriveIndex drive) const {
  const auto now = map();
  const auto degraded = metadata::query::list_degraded(log.state(), {}, kAll);
  if (!degraded) return false;
  for (const auto& extent : *degraded) {
    const auto* set = server::find_set(now, extent.set);
    for (std::size_t shard = 0; shard < set->members.size(); ++shard) {
      if ((extent.missing >> shard & 1U) != 0 && set->members[shard] != drive) return false;
    }
  }
  return true;
}

std::string Cluster::orphans() const {
  std::string found;
  for (const auto& place : drives_) {
    for (const auto& key : place.drive->keys()) {
      const auto held = metadata::find_held(log.state(), key.extent);
      if (held && *held) continue;
      found += " " + to_string(key.extent) + " shard " + std::to_string(key.shard) + " on drive " +
               std::to_string(place.drive->index().value);
    }
  }
  return found;
}

}  // namespace firn::simulation
