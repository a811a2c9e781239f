#include <algorithm>

#include "firn/base/log.h"
#include "rows/try.h"
#include "server/cluster_node.h"

// How a node that is too far behind gets the state: docs/formats/raft-log.md.
namespace firn::metadata {
namespace {

/// A snapshot nobody has asked for in so long is let go, and the files it holds with it.
constexpr std::chrono::seconds kSnapshotIdle{60};
/// Before a failed fetch is reported: the leader offers the next at once.
constexpr std::chrono::milliseconds kFetchPause{500};

}  // namespace

void ClusterNode::later(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  wake_.notify_all();
}

void ClusterNode::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return worker_stops_ || !work_.empty(); });
    if (worker_stops_) return;
    const std::function<void()> next = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    next();
    lock.lock();
  }
}

void ClusterNode::make_snapshot() {
  const Result<std::shared_ptr<StateSnapshot>> made = StateSnapshot::make(*store_, *mirror_);
  std::shared_ptr<StateSnapshot> old;
  if (!made) {
    log::warn("metadata snapshot: {}", made.error().detail);
    firn_raft_withdraw_snapshot(log().raft());
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    old = std::exchange(snapshot_, *made);
    snapshot_used_ = std::chrono::steady_clock::now();
  }
  const std::string& name = (*made)->name();
  firn_raft_offer_snapshot(log().raft(), (*made)->index(),
                           {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
}

Result<std::shared_ptr<SnapshotSource>> ClusterNode::open_snapshot(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (!snapshot_ || snapshot_->name() != name) return error(Errc::not_found, "no such snapshot of the metadata");
  snapshot_used_ = std::chrono::steady_clock::now();
  return std::shared_ptr<SnapshotSource>(snapshot_);
}

void ClusterNode::let_snapshot_go() {
  const std::lock_guard lock(mutex_);
  if (!snapshot_) return;
  const auto now = std::chrono::steady_clock::now();
  if (snapshot_.use_count() > 1) snapshot_used_ = now;  // Somebody reads it.
  if (now - snapshot_used_ < kSnapshotIdle) return;
  firn_raft_withdraw_snapshot(log().raft());
  // Its end waits for the state's lock, and this thread must not.
  work_.emplace_back([gone = std::move(snapshot_)]() mutable { gone.reset(); });
  wake_.notify_all();
}

/// At the stop, while there is a state. Raft ticks on, and may have left one to the worker that came too late for it.
void ClusterNode::drop_snapshots() {
  std::shared_ptr<StateSnapshot> offered;
  std::deque<std::function<void()>> undone;
  const std::lock_guard lock(mutex_);
  offered.swap(snapshot_);
  undone.swap(work_);
}

Result<> ClusterNode::fetch_files(NodeId from, const std::string& name) {
  std::vector<IncomingState::Place> places;
  std::vector<DriveIndex> drives;
  const std::vector<StateMirror::Member> members = mirror_->members();
  for (const LogSet::Drive& drive : set_->living()) {
    if (std::ranges::find(members, drive.index, &StateMirror::Member::drive) == members.end()) continue;
    places.push_back({drive.index, drive.directory});
    drives.push_back(drive.index);
  }
  TRY_LET(const std::unique_ptr<IncomingState> incoming, IncomingState::begin(places));
  TRY(cluster_.transport->fetch_snapshot(from, name, *incoming));
  TRY(incoming->finish());
  const std::lock_guard lock(mutex_);
  fetched_to_ = std::move(drives);
  return {};
}

void ClusterNode::fetch_snapshot(std::uint64_t from, const std::string& name) {
  const Result<> fetched = fetch_files(node_of(from), name);
  if (fetched) {
    log::info("metadata: a snapshot of node {} was fetched", node_of(from).value);
    return firn_raft_snapshot_fetched(log().raft(), true);
  }
  log::warn("metadata: snapshot of node {}: {}", node_of(from).value, fetched.error().detail);
  {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, kFetchPause, [this] { return worker_stops_; })) return;
  }
  firn_raft_snapshot_fetched(log().raft(), false);
  refuse_snapshot(node_of(from));
}

bool ClusterNode::install(std::uint64_t index) {
  replica_->drain();
  const Result<> replaced = replace_state(index);
  if (replaced) return true;
  log::error("metadata: the snapshot of entry {}: {}", index, replaced.error().detail);
  return false;
}

/// The log has recorded that this begins, so that the next start ends it if we don't.
Result<> ClusterNode::replace_state(std::uint64_t index) {
  std::vector<DriveIndex> fetched;
  {
    const std::lock_guard lock(mutex_);
    fetched = fetched_to_;
  }
  const std::vector<LogSet::Drive> living = set_->living();
  std::vector<std::pair<DriveIndex, Error>> failed;
  TRY(store_->replace([&]() -> Result<> {
    for (const StateMirror::Member& member : mirror_->members()) {
      const auto drive = std::ranges::find(living, member.drive, &LogSet::Drive::index);
      const bool has_it = drive != living.end() && std::ranges::find(fetched, member.drive) != fetched.end();
      // A drive that joined while the files came has none of them: it is filled anew.
      Result<> put = has_it ? IncomingState::put_in_place(drive->directory)
                            : Result<>(error(Errc::drive_out, "it lacks the snapshot"));
      if (put) continue;
      mirror_->drop(member.drive);
      failed.emplace_back(member.drive, put.error());
    }
    mirror_->replaced();
    return mirror_->members().empty() ? Result<>(error(Errc::durability_unavailable, "no drive has the snapshot"))
                                      : Result<>();
  }));
  for (const auto& [drive, why] : failed) TRY(set_->drop(drive, why));
  guard_->forget();
  TRY(replica_->reload());
  if (replica_->applied_index() != index) return error(Errc::corrupt, "the snapshot is that of another entry");
  return {};
}

}  // namespace firn::metadata
