#include "log/raft_log.h"

#include <algorithm>

#include "apply/leap.h"
#include "firn/base/log.h"
#include "log/raft_entry.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

/// What is still under way when a stop comes: long enough for an answer, short for whoever waits for the stop.
constexpr std::chrono::milliseconds kStopPatience{500};
constexpr std::size_t kMembersMax = 64;

std::string_view text(FirnRaftBytes bytes) { return {reinterpret_cast<const char*>(bytes.data), bytes.size}; }

Result<> result(char* why) {
  if (why == nullptr) return {};
  Error failure = error(Errc::io_error, std::string("metadata log: ") + why);
  firn_raft_free_text(why);
  return failure;
}

RaftLog& log_of(void* context) { return *static_cast<RaftLog*>(context); }

}  // namespace

RaftLog::RaftLog(LogSet& set, Options options, Events events)
    : set_(set),
      options_(std::move(options)),
      events_(std::move(events)),
      barriers_([this](std::uint64_t request) { firn_raft_read(raft_, request); }, options_.patience,
                std::chrono::milliseconds(4 * options_.times.tick_ms)) {}

RaftLog::~RaftLog() {
  stop();
  firn_raft_close(raft_);
}

FirnRaftCallbacks RaftLog::callbacks() {
  return {
      .context = this,
      .committed = [](void* log, const FirnRaftEntry* entries,
                      std::size_t count) { log_of(log).on_committed(entries, count); },
      .install = [](void* log, std::uint64_t index) { return log_of(log).on_install(index); },
      .read_ready = [](void* log, std::uint64_t request,
                       std::uint64_t index) { log_of(log).barriers_.answered(request, index); },
      .send = [](void* log, std::uint64_t to, FirnRaftBytes message) { log_of(log).events_.send(to, text(message)); },
      .standing_changed = [](void* log, bool leads, std::uint64_t leader,
                             std::uint64_t term) { log_of(log).on_standing(leads, leader, term); },
      .dropped = [](void* log) { log_of(log).on_dropped(); },
      .snapshot_wanted = [](void* log) { log_of(log).events_.snapshot_wanted(); },
      .snapshot_offered =
          [](void* log, std::uint64_t from, std::uint64_t, FirnRaftBytes name) {
            log_of(log).events_.snapshot_offered(from, std::string(text(name)));
          },
      .tick = [](void* log) { log_of(log).on_tick(); },
      .failed = [](void* log,
                   FirnRaftBytes why) { log_of(log).on_failed(error(Errc::internal, std::string(text(why)))); },
      .drive_lost =
          [](void* log, std::uint16_t drive, FirnRaftBytes why) {
            return log_of(log).on_drive_lost(DriveIndex{drive}, std::string(text(why)));
          },
      .drive_full =
          [](void* log, std::uint16_t drive) {
            const auto& full = log_of(log).options_.full;
            return full && full(DriveIndex{drive});
          },
      .stopping = [](void* log) { return log_of(log).is_stopping(); },
  };
}

Result<std::unique_ptr<RaftLog>> RaftLog::open(LogSet& set, const std::vector<LogSet::Drive>& drives, Options options,
                                               Events events) {
  std::unique_ptr<RaftLog> log(new RaftLog(set, std::move(options), std::move(events)));
  std::vector<std::string> paths;
  for (const LogSet::Drive& drive : drives) paths.push_back(raft_path(drive.directory).string());
  std::vector<FirnRaftDrive> given;
  for (std::size_t i = 0; i < drives.size(); ++i) given.push_back({drives[i].index.value, paths[i].c_str()});
  const FirnRaftCallbacks callbacks = log->callbacks();
  TRY(result(firn_raft_open(given.data(), given.size(), log->options_.file_bytes, &callbacks, &log->raft_)));
  TRY(result(firn_raft_recovered(log->raft_, &log->recovered_)));
  return log;
}

Result<> RaftLog::begin(std::uint64_t member, const std::vector<std::uint64_t>& voters, std::uint64_t index) {
  TRY(result(firn_raft_begin(raft_, member, voters.data(), voters.size(), index)));
  return result(firn_raft_recovered(raft_, &recovered_));
}

Result<FirnRaftStandpoint> RaftLog::standpoint(std::vector<std::uint64_t>& voters) const {
  constexpr std::size_t kVotersMax = 16;  // Several times what there ever are.
  voters.resize(kVotersMax);
  FirnRaftStandpoint found{};
  TRY(result(firn_raft_standpoint(raft_, &found, voters.data(), voters.size())));
  voters.resize(std::min(found.voters, kVotersMax));
  return found;
}

Result<> RaftLog::stand_alone(UnixMs now) {
  const std::string leap = encode_leap(now);
  const std::string entry =
      encode_raft_entry({.kind = LogEntry::Kind::leap, .origin = {.member = member()}, .command = leap});
  return result(firn_raft_stand_alone(raft_, {reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()}));
}

void RaftLog::set_start(std::uint64_t applied, std::uint64_t start) {
  last_index_ = applied;
  dropped_below_ = applied;
  start_ = start;
  barriers_.applied(applied);
}

void RaftLog::start(Sink sink) {
  sink_ = std::move(sink);
  const Result<> started = result(firn_raft_start(raft_, &options_.times, last_index_, start_));
  if (!started) on_failed(started.error());
}

void RaftLog::stop() {
  expect_stop();
  firn_raft_stop(raft_);
  for (Pending& pending : take_all()) pending.proposal->fail(error(Errc::ambiguous, "the metadata tier is stopping"));
}

/// What was not sent fails at once; what was may still be answered.
void RaftLog::expect_stop() {
  std::deque<Pending> unsent;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    unsent.swap(queue_);
    for (auto& [sequence, pending] : sent_) pending.until = std::min(pending.until, Clock::now() + kStopPatience);
  }
  const Error why = error(Errc::cancelled, "the metadata tier is stopping");
  barriers_.close(why);
  for (Pending& pending : unsent) pending.proposal->fail(why);
}

bool RaftLog::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void RaftLog::read_barrier(Barrier reached) { barriers_.add(std::move(reached)); }
void RaftLog::applied(std::uint64_t index) { barriers_.applied(index); }

ReplicatedLog::Status RaftLog::status() const {
  const std::lock_guard lock(mutex_);
  return {.last_index = last_index_,
          .retained_bytes = retained_bytes_,
          .waiting = queue_.size() + sent_.size(),
          .wants_file = false,
          .failed = failed_};
}

std::vector<DriveIndex> RaftLog::members() const {
  std::uint16_t drives[kMembersMax];
  const std::size_t count = std::min(firn_raft_drives(raft_, drives, kMembersMax), kMembersMax);
  std::vector<DriveIndex> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(DriveIndex{drives[i]});
  std::ranges::sort(all);
  return all;
}

Result<> RaftLog::join_drive(const LogSet::Drive& drive) {
  TRY(result(firn_raft_add_drive(raft_, drive.index.value, raft_path(drive.directory).c_str())));
  Result<> added = set_.add(drive.index);
  if (!added) firn_raft_drop_drive(raft_, drive.index.value);
  return added;
}

/// Some stay, for nodes that are a little behind.
void RaftLog::drop_below(std::uint64_t index) {
  {
    const std::lock_guard lock(mutex_);
    dropped_below_ = std::max(dropped_below_, index);
    while (!batch_bytes_.empty() && batch_bytes_.front().first <= index) {
      retained_bytes_ -= batch_bytes_.front().second;
      batch_bytes_.pop_front();
    }
  }
  if (index > options_.entries_kept) firn_raft_compact(raft_, index - options_.entries_kept);
}

FirnRaftStatus RaftLog::standing() const {
  FirnRaftStatus status{};
  firn_raft_status(raft_, &status, nullptr, 0);
  return status;
}

std::vector<FirnRaftMember> RaftLog::raft_members() const {
  FirnRaftStatus status{};
  std::vector<FirnRaftMember> members(kMembersMax);
  members.resize(std::min(firn_raft_status(raft_, &status, members.data(), members.size()), members.size()));
  return members;
}

void RaftLog::on_failed(const Error& why) {
  log::error("metadata log: {}", why.detail);
  {
    const std::lock_guard lock(mutex_);
    failed_ = true;
  }
  const Error answer = error(Errc::durability_unavailable, "the metadata log has failed: " + why.detail);
  barriers_.close(answer);
  for (Pending& pending : take_all()) pending.proposal->fail(error(Errc::ambiguous, answer.detail));
  if (events_.failed) events_.failed(answer);
}

bool RaftLog::on_drive_lost(DriveIndex drive, const std::string& why) {
  return set_.drop(drive, error(Errc::io_error, "metadata log: " + why)).has_value();
}

}  // namespace firn::metadata
