#include "node.h"

#include <boost/asio/co_spawn.hpp>

#include "cluster/departure.h"
#include "growth/leaving.h"
#include "map_lookup.h"
#include "owed_shards.h"

namespace firn::simulation {
namespace {

using namespace std::chrono_literals;

/// A node that is there answers within milliseconds: Cluster asks with this deadline.
constexpr auto kHelloDeadline = 1s;
/// Small, so that bodies of a few KB are extents.
constexpr std::uint64_t kInlineBytesMax = 300;
/// Few, so that leases are rotated within a run.
constexpr std::uint64_t kExtentsPerLease = 12;

/// As Storage has them.
constexpr auto kLookPause = 50ms;
constexpr auto kOutPatience = 2s;

/// Of those who still read what is gone by now.
constexpr auto kGrace = 5s;

Uuid gateway_of(NodeId node) {
  Uuid id;
  id.bytes[0] = 0x6A;
  id.bytes[15] = static_cast<std::uint8_t>(node.value);
  return id;
}

}  // namespace

Node::Node(const Ground& ground, NodeId id, std::uint64_t start)
    : ground_(ground),
      id_(id),
      log_({.group = ground.log,
            .network = ground.network,
            .node = id,
            .start = start,
            .executor = ground.runtime.io(0).get_executor(),
            .map_changed = [this](const Map& map) { map_changed(map); }}),
      client_(log_, ground.log, (std::uint64_t{id.value} << 48) | (start << 32) | 1),
      roster_(std::vector<config::Config::Node>(ground.log.nodes())) {}

Node::~Node() = default;

void Node::spawn(boost::asio::awaitable<void> work) {
  ++under_way_;
  boost::asio::co_spawn(ground_.runtime.io(0), std::move(work), [this](std::exception_ptr thrown) {
    --under_way_;
    if (thrown) std::rethrow_exception(thrown);
  });
}

void Node::map_changed(const Map& map) {
  if (serving_) keeper_->note(map);
  if (!ground_.moves) return;
  roster_.learn(map);
  if (mover_ && alive()) mover_->poke();
}

void Node::connect(DriveIndex drive) {
  auto& place = ground_.drives[drive.value];
  services_[drive] = std::make_shared<DriveLink>(DriveLink::Parts{
      .network = ground_.network, .drive = *place.drive, .owner = place.owner, .asker = id_, .alive = log_.alive()});
  volumes_->connect(drive, services_[drive]);
}

bool Node::owns(DriveIndex drive) const {
  return drive.value < ground_.drives.size() && ground_.drives[drive.value].owner == id_;
}

Task<> Node::open(const std::function<Map()>& first_map) {
  spawn(log_.follow());
  volumes_ = std::make_unique<server::WatchedVolumes>(volume::Client::make(
      ground_.runtime, {},
      {.drive_failed =
           [this](DriveIndex drive, const Error& why) {
             if (serving_ && owns(drive)) keeper_->put_out(drive, why);
           },
       .record_damaged = [this](const volume::DamagedRecord& record) { record_damaged(record); }}));
  for (auto& place : ground_.drives) {
    const DriveIndex index = place.drive->index();
    connect(index);
    if (place.owner != id_) continue;
    const auto recovered =
        place.drive->open({.removing = ground_.removing, .fenced = [this](DriveIndex drive, const Error& why) {
                             if (serving_) keeper_->put_out(drive, why);
                           }});
    if (recovered) recovered_[index] = *recovered;
  }
  co_return co_await settle_map(first_map);
}

boost::asio::awaitable<void> Node::drive_lost(DriveIndex drive) {
  // The next process of the node may have it open.
  if (owns(drive) && alive()) ground_.drives[drive.value].drive->fence(error(Errc::drive_out, "put out"));
  co_return;
}

Task<> Node::settle_map(const std::function<Map()>& first_map) {
  auto map = co_await client_.cluster_map();
  if (map.code() == Errc::not_found) {
    const Map first = first_map();
    CO_TRY(co_await client_.put_cluster_map(first));
    map = first;
  }
  if (!map) co_return map.error();
  std::map<DriveIndex, Uuid> own;
  for (const auto& place : ground_.drives) {
    if (place.owner == id_) own[place.drive->index()] = place.drive->uuid();
  }
  CO_TRY_LET(const auto found, co_await server::note_found_drives(client_, *map, own));
  owing_.insert(found.replacements.begin(), found.replacements.end());
  keeper_ = std::make_unique<server::MapKeeper>(
      server::MapKeeper::Parts{.runtime = ground_.runtime,
                               .metadata = client_,
                               .volumes = *volumes_,
                               .drive = [this](DriveIndex drive) { return owns(drive) ? services_[drive] : nullptr; },
                               .drive_lost = [this](DriveIndex drive) { return drive_lost(drive); }});
  CO_TRY(co_await keeper_->start(*map, [](server::MapChange&) {}));
  store_ = std::make_unique<objects::Store>(
      client_, *volumes_,
      objects::Store::Options{
          .gateway = gateway_of(id_), .inline_bytes_max = kInlineBytesMax, .extents_per_lease = kExtentsPerLease});
  CO_TRY(co_await note_gateway());
  CO_TRY(co_await store_->start());
  for (const auto& [drive, from] : recovered_) {
    CO_TRY(co_await objects::sweep_again_from(client_, drive, from));
    if (!alive()) co_return error(Errc::cancelled, "killed");
    ground_.drives[drive.value].drive->recovery_noted();
  }
  CO_TRY(co_await settle_replacements(found.replacements));
  // What was changed since the map was read, before anybody told the keeper.
  CO_TRY_LET(Map newest, co_await client_.cluster_map());
  if (!alive()) co_return error(Errc::cancelled, "killed");
  map_changed(newest);
  keeper_->note(std::move(newest));
  start_moves();
  leadership_ = make_leadership();
  serving_ = true;
  spawn(leadership_->run());
  co_return Unit{};
}

std::unique_ptr<server::Leadership> Node::make_leadership() {
  server::Leadership::Parts parts{.runtime = ground_.runtime,
                                  .keeper = *keeper_,
                                  .nodes = ground_.log.nodes(),
                                  .leads = [this] { return alive() && ground_.log.leads(id_); },
                                  .closing = [this] { return !alive(); },
                                  .hellos = [this] { return ask_all(); },
                                  .gone = {},
                                  .begin_maintenance = [this] { return begin_maintenance(); },
                                  .end_maintenance = [this] { return end_maintenance(); }};
  if (ground_.moves) {
    parts.roster = [this] { return roster_.nodes(); };
    parts.after_look = [this] { return moves_->look(); };
  }
  return std::make_unique<server::Leadership>(std::move(parts));
}

/// Who retires the node closes its leases by this.
Task<> Node::note_gateway() {
  if (!ground_.moves) co_return Unit{};
  const auto noted = co_await client_.find_config(server::gateway_entry(id_));
  if (noted.code() != Errc::not_found) co_return noted ? Result<>() : Result<>(noted.error());
  co_return co_await client_.put_config(server::gateway_entry(id_), to_string(gateway_of(id_)));
}

void Node::start_moves() {
  if (!ground_.moves) return;
  const auto own = [this](DriveIndex drive) { return owns(drive) ? services_[drive] : nullptr; };
  mover_ = std::make_unique<server::Mover>(
      server::Mover::Parts{.runtime = ground_.runtime,
                           .metadata = client_,
                           .keeper = *keeper_,
                           .own = own,
                           .remove_left = [this](DriveIndex drive, std::vector<volume::RecordKey> keys,
                                                 SetEpoch until) { return remove_left(drive, std::move(keys), until); },
                           .find = [this](DriveIndex drive) { return services_[drive]; }},
      server::Mover::Options{.grace = kGrace});
  mover_->start();
  moves_ = std::make_unique<server::ShardMoves>(server::ShardMoves::Parts{
      .runtime = ground_.runtime, .metadata = client_, .keeper = *keeper_, .maintenance = [this] {
        return maintains_ ? maintenance_.back().get() : nullptr;
      }});
}

Task<> Node::remove_left(DriveIndex drive, std::vector<volume::RecordKey> keys, SetEpoch until) {
  if (!alive()) co_return error(Errc::cancelled, "killed");
  co_return co_await ground_.drives[drive.value].drive->remove_left(std::move(keys), until);
}

Task<> Node::settle_replacements(std::vector<DriveIndex> replacements) {
  if (replacements.empty()) co_return Unit{};
  CO_TRY(co_await keeper_->change([&](server::MapChange& change) {
    for (const auto drive : replacements) change.replace(drive, ground_.drives[drive.value].drive->uuid());
  }));
  for (const auto drive : replacements) spawn(settle_replacement(drive));
  co_return Unit{};
}

boost::asio::awaitable<void> Node::settle_replacement(DriveIndex drive) {
  while (alive()) {
    const auto settled = co_await server::settle_replacement(client_, drive);
    if (settled) {
      owing_.erase(drive);
      co_return;
    }
    co_await sleep(1s);
  }
}

server::Hello Node::hello() const {
  server::Hello hello;
  hello.node = id_;
  hello.serving = serving();
  hello.closing = stopping_;
  hello.leaving = leaving_;
  if (volumes_) hello.writes_since = volumes_->oldest_write();
  if (hello.serving) hello.first_open_lease = store_->first_open_lease();
  for (const auto& place : ground_.drives) {
    if (place.owner != id_) continue;
    const bool well = place.drive->is_open() && !place.drive->fenced() && !owing_.contains(place.drive->index());
    hello.drives.push_back({place.drive->index(), place.drive->uuid(), well});
  }
  return hello;
}

boost::asio::awaitable<std::vector<server::Hello>> Node::ask_all() {
  // One after another where the product asks all at once: it matters only that an answer may be old when it is used.
  std::vector<server::Hello> hellos{hello()};
  bool silent = false;
  for (Node* const peer : peers_()) {
    if (peer == nullptr || peer == this) continue;
    const NodeId node = peer->id();
    const bool asked = co_await ground_.network.carry(id_, node);
    std::optional<server::Hello> said;
    for (Node* const now : peers_()) {
      if (asked && now != nullptr && now->id() == node && now->alive()) said = now->hello();
    }
    const bool heard = said && co_await ground_.network.carry(node, id_);
    if (heard) hellos.push_back(*std::move(said));
    silent |= !heard;
  }
  if (silent) co_await sleep(kHelloDeadline);
  co_return hellos;
}

objects::Maintenance* Node::begin_maintenance() {
  maintenance_.push_back(
      objects::Maintenance::make({.runtime = ground_.runtime,
                                  .metadata = client_,
                                  .volumes = *volumes_,
                                  .clock = system_clock_source(),
                                  .drive = [this](DriveIndex drive) { return services_[drive]; },
                                  .first_open_lease = [this] { return leadership_->first_open_lease(); }},
                                 {.reclaim_grace = kGrace}));
  maintenance_.back()->start();
  maintains_ = true;
  if (moves_) moves_->begin();
  return maintenance_.back().get();
}

boost::asio::awaitable<void> Node::end_maintenance() {
  maintains_ = false;
  co_await maintenance_.back()->stop();
}

void Node::record_damaged(const volume::DamagedRecord& record) {
  if (maintains_) return maintenance_.back()->record_damaged(record);
  if (serving()) spawn(report_damage(record));
}

boost::asio::awaitable<void> Node::report_damage(volume::DamagedRecord record) {
  (void)co_await server::record_owed_record(client_, record.set, record.key);
}

boost::asio::awaitable<void> Node::leave() {
  begin_to_leave();
  server::Departure departure(id_, std::chrono::steady_clock::now());
  while (alive()) {
    const auto hellos = co_await ask_all();
    if (!alive() || departure.may_leave(keeper_->current(), hellos, std::chrono::steady_clock::now())) break;
    co_await sleep(kLookPause);
  }
  leaving_ = true;
  const auto end = std::chrono::steady_clock::now() + kOutPatience;
  const auto waits = [&] { return alive() && server::has_drives_in(keeper_->current(), id_); };
  while (waits() && std::chrono::steady_clock::now() < end) co_await sleep(kLookPause);
}

void Node::kill() {
  serving_ = false;
  log_.kill();
  ground_.network.set_up(id_, false);
  if (mover_) spawn(mover_->stop());
}

boost::asio::awaitable<void> Node::bury() {
  if (store_) store_->stop();
  if (maintains_) co_await end_maintenance();
  if (moves_) co_await moves_->stop();
  if (keeper_) co_await keeper_->stop();
  while (under_way_ > 0 || log_.under_way() > 0) co_await sleep(200ms);
}

}  // namespace firn::simulation
