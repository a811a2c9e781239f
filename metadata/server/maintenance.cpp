#include "server/maintenance.h"

#include <chrono>

#include "files/crash_point.h"
#include "firn/base/log.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

/// How often space is looked for while a drive is full. There is no such timer otherwise.
constexpr std::chrono::seconds kSpaceLookPeriod{1};

void warn(std::string_view doing, const Result<>& result) {
  if (!result) log::warn("metadata: {}: {}", doing, result.error().detail);
}

}  // namespace

Maintenance::Maintenance(Parts parts, std::uint64_t log_kept_bytes_max)
    : parts_(parts), log_kept_bytes_max_(log_kept_bytes_max) {}

Maintenance::~Maintenance() { stop(); }

void Maintenance::start() {
  thread_ = std::thread([this] { run(); });
}

void Maintenance::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Maintenance::note(bool& flag) {
  {
    const std::lock_guard lock(mutex_);
    flag = true;
  }
  wake_.notify_all();
}

void Maintenance::batch_applied() {
  const ReplicatedLog::Status status = parts_.log.status();
  if (status.wants_file || status.retained_bytes > log_kept_bytes_max_ || parts_.reserve.short_of_space()) {
    note(log_grew_);
  }
}

void Maintenance::drive_failed(DriveIndex drive) {
  {
    const std::lock_guard lock(mutex_);
    failed_.push_back(drive);
  }
  wake_.notify_all();
}

void Maintenance::drive_returned(LogSet::Drive drive) {
  {
    const std::lock_guard lock(mutex_);
    returned_.push_back(std::move(drive));
  }
  wake_.notify_all();
}

void Maintenance::run() {
  std::unique_lock lock(mutex_);
  const auto wanted = [this] {
    return stopping_ || log_grew_ || files_changed_ || members_wanted_ || !failed_.empty() || !returned_.empty();
  };
  while (true) {
    if (parts_.reserve.short_of_space()) {
      wake_.wait_for(lock, kSpaceLookPeriod, wanted);
    } else {
      wake_.wait(lock, wanted);
    }
    if (stopping_) return;
    const bool log_grew = std::exchange(log_grew_, false);
    const bool files_changed = std::exchange(files_changed_, false);
    const bool members_wanted = std::exchange(members_wanted_, false) || !returned_.empty() || !failed_.empty();
    lock.unlock();
    auto use = parts_.store.use();
    if (!parts_.store.is_open()) return;
    if (parts_.reserve.short_of_space()) parts_.reserve.refill();
    serve_drives();
    if (log_grew) keep_log();
    if (files_changed) drop_log();
    if (members_wanted) fill_members();
    if (use) use.unlock();
    lock.lock();
  }
}

void Maintenance::serve_drives() {
  std::deque<DriveIndex> failed;
  std::deque<LogSet::Drive> returned;
  {
    const std::lock_guard lock(mutex_);
    failed.swap(failed_);
    returned.swap(returned_);
  }
  for (const DriveIndex drive : failed) {
    warn("drive left", parts_.set.drop(drive, error(Errc::drive_out, "reported as failed")));
  }
  for (const LogSet::Drive& drive : returned) {
    unfit_.erase(drive.index);
    const Result<> back = parts_.set.returned(drive);
    warn("drive returned", back);
  }
}

/// The log has grown: the next file is made, or the state flushed so that the first can go.
void Maintenance::keep_log() {
  const ReplicatedLog::Status status = parts_.log.status();
  if (status.retained_bytes > log_kept_bytes_max_) {
    warn("flush", parts_.store.flush());
    drop_log();
  }
  warn("log file", parts_.log.prepare());
}

/// Drops what the flushed and read back state covers.
void Maintenance::drop_log() {
  const Result<std::uint64_t> persisted = parts_.store.persisted_index();
  if (!persisted) return warn("persisted index", persisted.error());
  // Files that are listed must not go while they are read.
  if (const Result<> held = parts_.store.hold_deletions(); !held) return warn("read back", held);
  const Result<> read_back = parts_.guard.read_back();
  warn("read back", parts_.store.resume_deletions());
  if (!read_back) return warn("read back", read_back);
  crash_point("state read back");
  parts_.log.drop_below(*persisted);
  crash_point("log dropped");
  persisted_index_.store(*persisted, std::memory_order_release);
}

void Maintenance::fill_members() {
  while (true) {
    const LogSetRecord record = parts_.set.record();
    const std::vector<LogSet::Drive> living = parts_.set.living();
    if (record.members.size() >= record.full_size(living.size())) return;
    const LogSet::Drive* candidate = nullptr;
    for (const LogSet::Drive& drive : living) {
      if (candidate == nullptr && !record.has(drive.index) && !unfit_.contains(drive.index)) candidate = &drive;
    }
    if (candidate == nullptr) return;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const Result<> joined = join(*candidate);
    if (joined) continue;
    if (joined.code() == Errc::cancelled) return;
    parts_.mirror.drop(candidate->index);
    parts_.reserve.forget(candidate->index);
    if (joined.code() == Errc::drive_out) continue;  // Not this drive's fault, and one fewer to fill it from.
    log::error("metadata: drive {} can't take log and state: {}", candidate->index.value, joined.error().detail);
    unfit_.insert(candidate->index);
    if (joined.code() == Errc::io_error) warn("drive left", parts_.set.drop(candidate->index, joined.error()));
  }
}

/// State first, log next, membership last: until then the drive counts for nothing.
Result<> Maintenance::join(const LogSet::Drive& drive) {
  TRY_LET(std::unique_ptr<StateDirectory> state, open_state_directory(drive.directory / "meta" / "state"));
  parts_.reserve.watch(drive.index, drive.directory);
  TRY(parts_.guard.join({drive.index, std::move(state)}));
  crash_point("join: state copied");
  TRY(parts_.log.join_drive(drive));
  files_changed();
  return {};
}

}  // namespace firn::metadata
