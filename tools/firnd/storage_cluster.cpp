// What Storage does as one node of a cluster.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <utility>

#include "cluster/departure.h"
#include "firn/base/log.h"
#include "gather.h"
#include "map_change.h"
#include "owed_shards.h"
#include "storage.h"
#include "until_led.h"

namespace firn::server {
namespace {

/// The leader looks twice a second, and puts the drives out by one commit; where several nodes stop it does not.
constexpr std::chrono::milliseconds kLeavePatience{2'000};
constexpr std::chrono::milliseconds kLeavePause{10};
constexpr std::chrono::milliseconds kClosePause{50};
/// While leadership goes over nobody leads for some milliseconds; where nobody does for longer, nobody will put them
/// out.
constexpr std::chrono::milliseconds kLeaderlessPatience{500};

}  // namespace

Task<> Storage::prepare_node() {
  const auto found = co_await look_at_drives(runtime_, *disk_, options_.drives);
  CO_TRY_LET(plan_, co_await cluster_->form(found, [this] { return closing(); }));
  // What this node writes from now on the metadata of before would not know.
  CO_TRY(changeover_.end());
  CO_TRY_LET(const auto formatted, co_await format_drives(runtime_, *disk_, plan_));
  for (const auto index : formatted) {
    log::info("drive {} is new: {}", index.value + 1, find_place(index)->path.string());
  }
  co_return Unit{};
}

Result<> Storage::share_drives() {
  make_volumes();
  cluster_->on_hello([this](Hello& hello) { say_hello(hello); });
  cluster_->announce();
  return cluster_->share(drives_, {.drive_opened = [this](const volume::RemoteDrive& drive) { connect_drive(drive); },
                                   .peer_changed = [this](const volume::PeerStatus&) { wake_leadership(); }});
}

void Storage::connect_drive(const volume::RemoteDrive& drive) {
  const auto index = drive.service->index();
  {
    const std::lock_guard lock(drives_mutex_);
    remote_drives_.insert_or_assign(index, drive.service);
  }
  volumes_->connect(index, drive.service);
}

/// On any thread.
void Storage::wake_leadership() {
  boost::asio::post(runtime_.io(0), [this] {
    if (leadership_) leadership_->wake();
  });
}

/// On any thread.
void Storage::say_hello(Hello& hello) const {
  hello.serving = serving_.load();
  hello.leaving = leaving_.load();
  hello.closing = stopping_.load();
  hello.writes_since = watched_->oldest_write();
  for (const auto& peer : cluster_->peers()) {
    if (!peer.reachable) hello.unreached.push_back(peer.node);
  }
  if (const auto* mover = moving_.load()) hello.moving_bytes_per_second = mover->progress().bytes_per_second;
  if (hello.serving) hello.first_open_lease = store_->first_open_lease();
  for (const auto& [index, drive] : drives()) {
    hello.drives.push_back({index, drive->identity().drive, !drive->fenced() && !owes(index)});
  }
}

bool Storage::owes(DriveIndex drive) const {
  const std::lock_guard lock(drives_mutex_);
  return owing_.contains(drive);
}

std::shared_ptr<volume::DriveService> Storage::find_service(DriveIndex drive) const {
  const std::lock_guard lock(drives_mutex_);
  if (const auto own = drives_.find(drive); own != drives_.end()) return own->second;
  const auto remote = remote_drives_.find(drive);
  return remote == remote_drives_.end() ? nullptr : remote->second;
}

/// On the thread that applies metadata.
void Storage::map_changed(const metadata::MapRecord& map) {
  cluster_->map_is(map);
  if (auto* keeper = fencing_.load()) keeper->note(map);
  if (auto* mover = moving_.load()) mover->poke();
  const auto self = std::ranges::find(map.nodes, cluster_->own(), &metadata::NodeRecord::node);
  if (self != map.nodes.end() && self->retired && !retired_.exchange(true)) {
    log::warn("this node is retired, and ends");
    kill(getpid(), SIGTERM);
  }
}

Task<> Storage::settle_cluster_map() {
  CO_TRY_LET(const auto map, co_await cluster_->await_map(*node_, [this] { return closing(); }));
  for (const auto& recorded : map.drives) {
    const NodeId owner = node_of(recorded.domain);
    if (find_drive(recorded.index) == nullptr || owner == cluster_->own()) continue;
    co_return client_error(Errc::invalid_argument, find_place(recorded.index)->path.string() + " is drive " +
                                                       std::to_string(recorded.index.value + 1) +
                                                       " of the cluster, which is node " + std::to_string(owner.value) +
                                                       "'s");
  }
  CO_TRY(co_await until_led<Unit>(runtime_, [&] { return note_replacements(map); }, [this] { return closing(); }));
  owing_.insert(replacements_.begin(), replacements_.end());
  make_keeper();
  CO_TRY(co_await keeper_->start(map, [](MapChange&) {}));
  fencing_ = keeper_.get();
  if (auto newest = cluster_->map()) keeper_->note(*std::move(newest));  // Changed before the keeper was told.
  if (!replacements_.empty()) {
    CO_TRY(co_await until_led<Unit>(runtime_, [this] { return replace_drives(); }, [this] { return closing(); }));
  }
  for (const auto& [index, drive] : drives()) {
    if (drive->fenced()) keeper_->put_out(index, error(Errc::drive_out, "failed during the start"));
  }
  co_return Unit{};
}

Task<> Storage::replace_drives() {
  return keeper_->change([this](MapChange& change) {
    for (const auto index : replacements_) {
      if (const auto drive = find_drive(index)) change.replace(index, drive->identity().drive);
    }
  });
}

/// For as long as this node leads, it does what runs once in a cluster.
boost::asio::awaitable<void> Storage::lead() {
  const Gate::Pass pass(background_);
  co_await leadership_->run();
}

/// A node of a cluster can read as long as somebody leads: one that is cut off soon knows nobody who does.
bool Storage::ready() const {
  if (!clients_served_.load() || stopping_.load() || closing() || metadata_failed_.load()) return false;
  return !cluster_ || node_->leader().value != 0;
}

void Storage::make_leadership() {
  leadership_ = std::make_unique<Leadership>(Leadership::Parts{.runtime = runtime_,
                                                               .keeper = *keeper_,
                                                               .nodes = 0,
                                                               .roster = [this] { return cluster_->roster().nodes(); },
                                                               .after_look = [this] { return grow(); },
                                                               .leads = [this] { return node_->is_leader(); },
                                                               .closing = [this] { return closing(); },
                                                               .hellos = [this] { return cluster_hellos(); },
                                                               .gone = [this] { return cluster_->gone_peers(); },
                                                               .begin_maintenance =
                                                                   [this] {
                                                                     start_maintenance();
                                                                     moves_->begin();
                                                                     return maintenance_.get();
                                                                   },
                                                               .end_maintenance = [this] { return lead_no_longer(); }});
}

boost::asio::awaitable<std::vector<Hello>> Storage::cluster_hellos() {
  auto answers = co_await cluster_->ask_all();
  std::vector<Hello> hellos;
  hellos.push_back(cluster_->hello(cluster_->own()));
  for (auto& [node, answer] : answers) {
    if (answer && answer->cluster == plan_.cluster) hellos.push_back(*std::move(answer));
  }
  co_return hellos;
}

void Storage::leave() {
  if (!cluster_ || !serving_.load()) return;
  stopping_ = true;
  wait_on(runtime_.io(0), hand_over());
}

boost::asio::awaitable<void> Storage::hand_over() {
  const auto handed = co_await node_->transfer_leadership(NodeId{});
  if (!handed) log::warn("leadership is left to the others: {}", handed.error().detail);
  co_await close_sets();
  leaving_ = true;
  co_await await_out();
}

boost::asio::awaitable<void> Storage::close_sets() {
  auto now = std::chrono::steady_clock::now();
  Departure departure(cluster_->own(), now);
  boost::asio::steady_timer timer(runtime_.io(0));
  for (auto led = now; now < led + kLeaderlessPatience; now = std::chrono::steady_clock::now()) {
    const auto hellos = co_await cluster_hellos();
    if (departure.may_leave(keeper_->current(), hellos, std::chrono::steady_clock::now())) co_return;
    timer.expires_after(kClosePause);
    co_await timer.async_wait(boost::asio::use_awaitable);
    if (node_->leader().value != 0) led = std::chrono::steady_clock::now();
  }
}

boost::asio::awaitable<void> Storage::await_out() {
  auto now = std::chrono::steady_clock::now();
  const auto end = now + kLeavePatience;
  auto led = now;
  boost::asio::steady_timer timer(runtime_.io(0));
  while (has_drives_in(keeper_->current(), cluster_->own()) && now < end && now < led + kLeaderlessPatience) {
    timer.expires_after(kLeavePause);
    co_await timer.async_wait(boost::asio::use_awaitable);
    now = std::chrono::steady_clock::now();
    if (node_->leader().value != 0) led = now;
  }
}

boost::asio::awaitable<void> Storage::lead_no_longer() {
  co_await end_maintenance();
  maintenance_before_ = std::move(maintenance_);
}

/// Where another node repairs: it works the list of missing shards off.
boost::asio::awaitable<void> Storage::report_damage(volume::DamagedRecord record) {
  const Gate::Pass pass(background_);
  const auto marked = co_await until_led<Unit>(
      runtime_, [&] { return record_owed_record(metadata(), record.set, record.key); }, [this] { return closing(); });
  if (!marked) log::warn("a damaged record could not be reported: {}", marked.error().detail);
  --damage_reports_;
}

}  // namespace firn::server
