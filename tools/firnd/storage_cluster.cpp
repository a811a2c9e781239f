// What Storage does as one node of a cluster.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "firn/base/log.h"
#include "gather.h"
#include "map_change.h"
#include "owed_shards.h"
#include "storage.h"

namespace firn::server {
namespace {

/// Between looks at the other nodes, by the one that leads.
constexpr std::chrono::milliseconds kWatchPause{500};
/// Reports of damaged records on their way to metadata; further ones are dropped: the next read finds the damage again.
constexpr std::size_t kDamageReportsMax = 64;

}  // namespace

Task<> Storage::prepare_node() {
  const auto found = co_await look_at_drives(runtime_, *disk_, options_.drives);
  CO_TRY_LET(plan_, co_await cluster_->form(found, [this] { return closing(); }));
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
  return cluster_->share(drives_, [this](const volume::RemoteDrive& drive) {
    const auto index = drive.service->index();
    {
      const std::lock_guard lock(drives_mutex_);
      remote_drives_.insert_or_assign(index, drive.service);
    }
    volumes_->connect(index, drive.service);
  });
}

/// On any thread.
void Storage::say_hello(Hello& hello) const {
  hello.serving = serving_.load();
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
  CO_TRY(co_await note_replacements(map));
  owing_.insert(replacements_.begin(), replacements_.end());
  make_keeper();
  CO_TRY(co_await keeper_->start(map, [](MapChange&) {}));
  fencing_ = keeper_.get();
  if (auto newest = cluster_->map()) keeper_->note(*std::move(newest));  // Changed before the keeper was told.
  if (!replacements_.empty()) {
    CO_TRY(co_await keeper_->change([this](MapChange& change) {
      for (const auto index : replacements_) {
        if (const auto drive = find_drive(index)) change.replace(index, drive->identity().drive);
      }
    }));
  }
  for (const auto& [index, drive] : drives()) {
    if (drive->fenced()) keeper_->put_out(index, error(Errc::drive_out, "failed during the start"));
  }
  co_return Unit{};
}

/// Watches the other nodes and keeps what runs once in a cluster, for as long as this node leads.
boost::asio::awaitable<void> Storage::lead() {
  const Gate::Pass pass(background_);
  boost::asio::steady_timer timer(runtime_.io(0));
  while (!closing()) {
    const bool leads = node_->is_leader();
    if (leads && !maintenance_) {
      log::info("this node leads");
      liveness_ = std::make_unique<Liveness>(cluster_->nodes());
      liveness_->begin(std::chrono::steady_clock::now());
      start_maintenance();
    } else if (!leads && maintenance_) {
      log::info("this node leads no longer");
      co_await end_maintenance();
      maintenance_before_ = std::move(maintenance_);
      liveness_.reset();
    }
    if (liveness_) co_await watch_nodes(*liveness_);
    timer.expires_after(kWatchPause);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

boost::asio::awaitable<void> Storage::watch_nodes(Liveness& liveness) {
  auto answers = co_await cluster_->ask_all();
  const auto now = std::chrono::steady_clock::now();
  liveness.heard(cluster_->hello(cluster_->own()), now);
  for (auto& [node, answer] : answers) {
    if (answer && answer->cluster == plan_.cluster) liveness.heard(*std::move(answer), now);
  }
  const auto changes = liveness.changes(keeper_->current(), now);
  if (changes.empty()) co_return;
  const auto done = co_await carry_out(changes);
  if (!done) {
    log::warn("the cluster map could not be changed: {} {}", to_string(done.error().code), done.error().detail);
  }
}

Task<> Storage::carry_out(const Liveness::Changes& changes) {
  for (const auto drive : changes.out)
    log::warn("drive {} is put out: its node is silent or without it", drive.value + 1);
  for (const auto drive : changes.in) {
    log::info("drive {} is there again", drive.value + 1);
    CO_TRY(co_await maintenance_->drive_returning(drive));
  }
  CO_TRY(co_await keeper_->change([&changes](MapChange& change) {
    for (const auto drive : changes.out) change.put_out(drive);
    for (const auto drive : changes.in) change.put_in(drive);
  }));
  for (const auto drive : changes.in) maintenance_->drive_returned(drive);
  co_return Unit{};
}

/// Where another node repairs: it works the list of missing shards off.
boost::asio::awaitable<void> Storage::report_damage(volume::DamagedRecord record) {
  const Gate::Pass pass(background_);
  if (damage_reports_ >= kDamageReportsMax) co_return;
  ++damage_reports_;
  std::vector<metadata::DegradedExtent> extents(1);
  extents[0].extent = record.key.extent;
  extents[0].set = record.set;
  extents[0].missing = erasure::ShardMask{1} << record.key.shard;
  const auto marked = co_await metadata().mark_missing(std::move(extents));
  if (!marked) log::warn("a damaged record could not be reported: {}", marked.error().detail);
  --damage_reports_;
}

}  // namespace firn::server
