#include "server/local_node.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include "files/crash_point.h"
#include "firn/base/log.h"
#include "log/raft_log.h"
#include "log/single_node_log.h"
#include "query/check.h"
#include "query/query.h"
#include "rows/try.h"
#include "server/backup.h"
#include "store/mirror_file_system.h"

namespace firn::metadata {

Result<std::unique_ptr<Node>> Node::open(Runtime& runtime, Options options, Events events) {
  auto node = std::make_unique<LocalNode>(runtime, std::move(options), std::move(events));
  TRY(node->open());
  return std::unique_ptr<Node>(std::move(node));
}

Result<> Node::restore(Runtime& runtime, Options options, const std::filesystem::path& backup) {
  LocalNode node(runtime, std::move(options), {});
  return node.restore(backup);
}

Result<MapRecord> Node::inspect_backup(const std::filesystem::path& backup) { return read_backup_map(backup); }

Task<> Node::change_members(MemberChange, NodeId) {
  co_return error(Errc::invalid_request, "the node is no member of a cluster");
}

Task<> Node::transfer_leadership(NodeId) { co_return Unit{}; }

LocalNode::LocalNode(Runtime& runtime, Options options, Events events)
    : runtime_(runtime),
      options_(std::move(options)),
      events_(std::move(events)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock_source()),
      reserve_(options_.reserve_bytes) {}

LocalNode::~LocalNode() { stop(); }

Result<> LocalNode::open() {
  TRY(lock_drives());
  LogSet::Options set{
      .drive_count = options_.drive_count, .losses = options_.losses, .trust_highest = options_.trust_highest_log_set};
  for (const Drive& drive : options_.drives) set.drives.push_back({drive.index, drive.directory});
  TRY_LET(set_, LogSet::open(std::move(set)));
  set_->on_drive_failed([this](DriveIndex drive, const Error& why) { drive_lost(drive, why); });
  if (set_->fresh()) TRY(clear_drives());
  TRY(open_from_any());
  start();
  return {};
}

/// Two processes on the same drives would be the end of both their logs.
Result<> LocalNode::lock_drives() {
  for (const Drive& drive : options_.drives) {
    TRY(make_directories(drive.directory / "meta"));
    TRY_LET(PosixFile file, PosixFile::open(drive.directory / "meta" / "lock", O_RDWR | O_CREAT));
    TRY(file.lock());
    locks_.push_back(std::move(file));
  }
  return {};
}

/// What a first start that was cut short left behind.
Result<> LocalNode::clear_drives() {
  for (const LogSet::Drive& drive : set_->living()) {
    std::error_code code;
    std::filesystem::remove_all(state_path(drive.directory), code);
    for (const auto& path : {log_path(drive.directory), raft_path(drive.directory)}) {
      if (!code) std::filesystem::remove_all(path, code);
    }
    if (code) return system_error(code.value(), "clear " + drive.directory.string());
  }
  return {};
}

Result<> LocalNode::open_from_any() {
  const LogSetRecord record = set_->record();
  std::vector<LogSet::Drive> members = set_->living();
  std::erase_if(members, [&](const LogSet::Drive& drive) { return !record.has(drive.index); });
  Result<> opened = error(Errc::durability_unavailable, "no member of the log set is present");
  for (const LogSet::Drive& authority : members) {
    opened = open_from(authority, members);
    if (opened) opened = gather_members();
    if (opened) return {};
    log::error("metadata: drive {} can't be started from: {}", authority.index.value, opened.error().detail);
    close();
  }
  return opened;
}

Result<> LocalNode::open_from(const LogSet::Drive& authority, const std::vector<LogSet::Drive>& members) {
  TRY(prepare_log(members));
  TRY(open_state(authority));
  return open_log(members);
}

Result<> LocalNode::open_state(const LogSet::Drive& authority) {
  TRY_LET(std::unique_ptr<StateDirectory> directory, open_state_directory(state_path(authority.directory)));
  if (!set_->fresh() && !directory->size("CURRENT")) {
    return error(Errc::corrupt, "a member of the log set has no state");
  }
  mirror_ = std::make_unique<StateMirror>(
      std::vector<StateMirror::Member>{{authority.index, std::move(directory)}},
      StateMirror::Events{.lost = [this](DriveIndex drive, const Error& why) { return set_->drop(drive, why); },
                          .full = [this](DriveIndex drive) { return reserve_.release(drive); }});
  RocksStore::Options store{.directory = kMirroredDirectory,
                            .file_system = make_mirror_file_system(*mirror_),
                            .block_cache_bytes = options_.block_cache_bytes,
                            .memtable_bytes = options_.memtable_bytes,
                            .replaceable = is_cluster()};
  RocksStore::Events events{.files_changed =
                                [this] {
                                  if (Maintenance* maintenance = notified_.load()) maintenance->files_changed();
                                },
                            .heal =
                                [this](const std::string& detail) {
                                  StateGuard* guard = healer_.load();
                                  return guard != nullptr && guard->heal(detail);
                                }};
  TRY_LET(store_, RocksStore::open(std::move(store), std::move(events)));
  guard_ = std::make_unique<StateGuard>(*store_, *mirror_, set_->record().identity);
  healer_.store(guard_.get());
  TRY_LET(replica_, Replica::open(*store_, {.failed = events_.failed,
                                            .batch_applied = [this] { batch_applied(); },
                                            .map_changed = events_.map_changed}));
  return {};
}

void LocalNode::batch_applied() {
  if (Maintenance* maintenance = notified_.load()) maintenance->batch_applied();
}

Result<> LocalNode::open_log(const std::vector<LogSet::Drive>& members) {
  std::vector<SingleNodeLog::Member> directories;
  for (const LogSet::Drive& drive : members) {
    TRY_LET(std::unique_ptr<LogDirectory> directory, open_log_directory(log_path(drive.directory)));
    directories.push_back({drive.index, std::move(directory)});
  }
  SingleNodeLog::Options options{.file_bytes = options_.log_file_bytes, .after_index = replica_->applied_index()};
  options.first_file_bytes = std::min(options.first_file_bytes, options.file_bytes);
  options.full = [this](DriveIndex drive) { return reserve_.release(drive); };
  const Replay replay = [this](std::uint64_t index, std::string_view entry) { return replica_->replay(index, entry); };
  TRY_LET(log_, SingleNodeLog::open(*set_, clock_, std::move(directories), std::move(options), replay));
  return {};
}

/// The files it had to be given. Tried again when what they were copied from failed: then there is one member fewer.
Result<std::vector<std::string>> LocalNode::fill_state(const LogSet::Drive& drive) {
  while (true) {
    TRY_LET(std::unique_ptr<StateDirectory> directory, open_state_directory(state_path(drive.directory)));
    Result<std::vector<std::string>> files = guard_->join({drive.index, std::move(directory)});
    if (files || files.code() != Errc::drive_out) return files;
  }
}

Result<> LocalNode::gather_members() {
  const std::vector<DriveIndex> with_log = log_->members();
  const DriveIndex authority = mirror_->members().front().drive;
  std::vector<DriveIndex> members;
  std::vector<std::pair<DriveIndex, Error>> failed;
  std::set<std::string> copied;
  for (const LogSet::Drive& drive : set_->living()) {
    if (std::ranges::find(with_log, drive.index) == with_log.end()) continue;
    if (drive.index != authority) {
      const auto files = fill_state(drive);
      // The authority can't be read: another one may be.
      if (files.code() == Errc::durability_unavailable) return files.error();
      if (!files) {
        failed.emplace_back(drive.index, files.error());
        continue;
      }
      copied.insert(files->begin(), files->end());
    }
    members.push_back(drive.index);
    reserve_.watch(drive.index, drive.directory);
  }
  const std::vector<StateMirror::Member> filled = mirror_->members();
  std::erase_if(members, [&](DriveIndex drive) {
    return std::ranges::find(filled, drive, &StateMirror::Member::drive) == filled.end();
  });
  if (members.empty()) return error(Errc::durability_unavailable, "no member of the log set can be used");
  const LogSetRecord before = set_->record();
  crash_point("start: before the record");
  TRY(set_->begin(members));
  crash_point("start: recorded");
  for (const auto& [drive, why] : failed) TRY(set_->drop(drive, why));
  for (const DriveIndex drive : before.members) {
    const bool reported = std::ranges::find(failed, drive, &std::pair<DriveIndex, Error>::first) != failed.end();
    const bool lives = std::ranges::any_of(set_->living(), [&](const auto& living) { return living.index == drive; });
    if (lives && !reported && std::ranges::find(members, drive) == members.end()) {
      TRY(set_->drop(drive, error(Errc::io_error, "its log can't be used")));
    }
  }
  return guard_->trust_marks(copied);
}

void LocalNode::start() {
  maintenance_ = std::make_unique<Maintenance>(Maintenance::Parts{*set_, *log_, *store_, *mirror_, *guard_, reserve_},
                                               options_.log_kept_bytes_max);
  client_ = std::make_unique<LocalClient>(
      LocalClient::Parts{runtime_, clock_, *log_, *replica_, *store_, reserve_, gatekeeper_});
  if (events_.map_changed) {
    const Result<MapRecord> map = query::cluster_map(RocksReader(*store_, Wait::allowed));
    if (map) events_.map_changed(*map);
  }
  replica_->start();
  log_->start([this](std::vector<CommittedEntry> entries) { replica_->take(std::move(entries)); });
  notified_.store(maintenance_.get());
  maintenance_->start();
  maintenance_->look_for_members();
  // In a cluster the leader does it.
  if (!is_cluster()) client_->resume_sweeps();
}

void LocalNode::drive_lost(DriveIndex drive, const Error& why) {
  if (mirror_) mirror_->drop(drive);
  if (log_) log_->drive_left(drive);
  reserve_.forget(drive);
  if (Maintenance* maintenance = notified_.load()) maintenance->look_for_members();
  if (events_.drive_failed) events_.drive_failed(drive, why);
  if (set_ && set_->broken() && events_.failed) events_.failed(error(Errc::durability_unavailable, why.detail));
}

void LocalNode::drive_returned(DriveIndex drive, std::filesystem::path directory) {
  maintenance_->drive_returned({drive, std::move(directory)});
}

Node::Status LocalNode::status() const {
  const LogSetRecord record = set_->record();
  const ReplicatedLog::Status log = log_->status();
  Status status{.log_set = record.number,
                .members = record.members,
                .living = {},
                .applied_index = replica_->applied_index(),
                .persisted_index = maintenance_->persisted_index(),
                .log_bytes = log.retained_bytes,
                .copies_repaired = guard_->counts().copies_repaired,
                .full_size = false,
                .short_of_space = reserve_.short_of_space(),
                .failed = log.failed || replica_->failed() || set_->broken()};
  for (const LogSet::Drive& drive : set_->living()) status.living.push_back(drive.index);
  status.full_size = record.members.size() >= record.full_size(status.living.size());
  return status;
}

Task<> LocalNode::backup(std::filesystem::path file) {
  const Gatekeeper::Pass pass(gatekeeper_);
  if (!pass) co_return error(Errc::cancelled, "the metadata tier is stopping");
  co_return co_await run_blocking<Unit>(runtime_, [&]() -> Result<> {
    const auto use = store_->use();
    if (!store_->is_open()) return error(Errc::durability_unavailable, "the metadata state is closed");
    return write_backup(RocksReader::snapshot(*store_), file);
  });
}

Task<Node::VerifyReport> LocalNode::verify() {
  const Gatekeeper::Pass pass(gatekeeper_);
  if (!pass) co_return error(Errc::cancelled, "the metadata tier is stopping");
  co_return co_await run_blocking<VerifyReport>(runtime_, [this] { return verify_now(); });
}

Result<Node::VerifyReport> LocalNode::verify_now() {
  const auto use = store_->use();
  if (!store_->is_open()) return error(Errc::durability_unavailable, "the metadata state is closed");
  const std::uint64_t repaired_before = guard_->counts().copies_repaired;
  TRY(store_->hold_deletions());
  const Result<> read_back = guard_->read_back_all();
  TRY(store_->resume_deletions());
  TRY_LET(query::CheckReport found, query::check(RocksReader::snapshot(*store_)));
  VerifyReport report{.rows = found.rows,
                      .objects = found.objects,
                      .parts = found.parts,
                      .problems = found.problem_count,
                      .copies_repaired = guard_->counts().copies_repaired - repaired_before,
                      .details = std::move(found.problems)};
  if (!read_back) {
    ++report.problems;
    report.details.push_back(read_back.error().detail);
  }
  return report;
}

Result<> LocalNode::restore(const std::filesystem::path& backup, const MapEdit& change_map) {
  TRY(lock_drives());
  LogSet::Options set{.drive_count = options_.drive_count, .losses = options_.losses};
  for (const Drive& drive : options_.drives) set.drives.push_back({drive.index, drive.directory});
  TRY_LET(set_, LogSet::open(std::move(set)));
  if (!set_->fresh()) return error(Errc::already_exists, "the drives hold metadata");
  TRY(clear_drives());
  const LogSetRecord record = set_->record();
  std::vector<LogSet::Drive> members = set_->living();
  std::erase_if(members, [&](const LogSet::Drive& drive) { return !record.has(drive.index); });
  TRY(prepare_log(members));
  TRY(open_state(members.front()));
  TRY(read_backup(*store_, backup, clock_.now_unix_ms(), change_map));
  TRY(store_->flush());
  // The log begins where the restored state ends.
  TRY_LET(replica_, Replica::open(*store_, {}));
  TRY(open_log(members));
  TRY(gather_members());
  TRY(guard_->read_back_all());
  return {};
}

void LocalNode::stop() {
  if (std::exchange(stopped_, true)) return;
  gatekeeper_.close();
  if (mirror_) mirror_->stop_waiting();
  if (log_) log_->stop();
  if (replica_) replica_->stop();
  notified_.store(nullptr);
  if (maintenance_) maintenance_->stop();
  if (store_ && store_->is_open() && options_.flush_at_stop) {
    const Result<> flushed = store_->flush();
    if (!flushed) log::warn("metadata: flush at stop: {}", flushed.error().detail);
  }
  close();
}

/// Everything that was opened, in reverse.
void LocalNode::close() {
  log_.reset();
  replica_.reset();
  store_.reset();
  healer_.store(nullptr);
  guard_.reset();
  mirror_.reset();
}

}  // namespace firn::metadata
