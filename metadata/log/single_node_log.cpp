#include "log/single_node_log.h"

#include <algorithm>
#include <future>

#include "files/crash_point.h"
#include "firn/base/digest.h"
#include "firn/base/log.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

/// What a batch's entries may add up to, headers and fill left aside.
constexpr std::size_t kBatchEntryBytesMax = kBatchBytesMax / 2;
/// Entries beyond what a batch of small ones fills: keeps the time between two answers short.
constexpr std::size_t kBatchEntriesMax = 4'096;

}  // namespace

SingleNodeLog::SingleNodeLog(LogSet& set, Clock& clock, std::vector<Member> members, Options options)
    : set_(set), clock_(clock), options_(options), members_(std::move(members)) {}

SingleNodeLog::~SingleNodeLog() { stop(); }

Result<std::unique_ptr<SingleNodeLog>> SingleNodeLog::open(LogSet& set, Clock& clock, std::vector<Member> members,
                                                           Options options, const Replay& replay) {
  std::unique_ptr<SingleNodeLog> log(new SingleNodeLog(set, clock, std::move(members), options));
  const RecoveryInput input{.members = directories(log->members_),
                            .identity = set.record().identity,
                            .after_index = log->options_.after_index};
  TRY_LET(RecoveredLog recovered, recover_log(input, replay));
  std::ranges::sort(recovered.failed, std::greater(), [](const auto& failure) { return failure.first; });
  for (const auto& [position, why] : recovered.failed) {
    log::error("metadata log: drive {}: {}", log->members_[position].drive.value, why.detail);
    log->members_.erase(log->members_.begin() + static_cast<std::ptrdiff_t>(position));
  }
  log->used_.assign(recovered.used.begin(), recovered.used.end());
  log->free_ = std::move(recovered.free);
  log->next_index_ = recovered.next_index;
  log->position_ = recovered.position;
  for (const LogSlot& slot : log->used_) log->next_slot_ = std::max(log->next_slot_, slot.number + 1);
  for (const LogSlot& slot : log->free_) log->next_slot_ = std::max(log->next_slot_, slot.number + 1);
  if (!log->used_.empty()) log->last_sequence_ = log->used_.back().file.sequence;
  if (log->used_.empty() && log->free_.empty()) TRY(log->make_file(options.first_file_bytes));
  return log;
}

std::vector<LogDirectory*> SingleNodeLog::directories(const std::vector<Member>& members) {
  std::vector<LogDirectory*> all;
  for (const Member& member : members) all.push_back(member.directory.get());
  return all;
}

std::vector<DriveIndex> SingleNodeLog::members() const {
  const std::lock_guard lock(mutex_);
  std::vector<DriveIndex> all;
  for (const Member& member : members_) all.push_back(member.drive);
  return all;
}

void SingleNodeLog::start(Sink sink) {
  sink_ = std::move(sink);
  set_number_ = 0;
  thread_ = std::thread([this] { run(); });
}

void SingleNodeLog::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SingleNodeLog::propose(std::unique_ptr<Proposal> proposal) {
  const std::size_t bytes = proposal->entry.size();
  Error refusal;
  const bool queued = [&] {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      refusal = error(Errc::cancelled, "the metadata log is stopping");
    } else if (failed_) {
      refusal = error(Errc::durability_unavailable, "the metadata log has failed");
    } else if (queue_.size() >= options_.queue_count_max || queue_bytes_ + bytes > options_.queue_bytes_max) {
      refusal = error(Errc::slow_down, "the metadata log's queue is full");
    } else {
      queue_.push_back(std::move(proposal));
      queue_bytes_ += bytes;
      return true;
    }
    return false;
  }();
  if (queued) {
    wake_.notify_one();
  } else {
    proposal->fail(std::move(refusal));  // NOLINT(bugprone-use-after-move): moved only when queued.
  }
}

ReplicatedLog::Status SingleNodeLog::status() const {
  const std::lock_guard lock(mutex_);
  Status status{.last_index = next_index_ - 1,
                .retained_bytes = 0,
                .waiting = queue_.size(),
                .wants_file = false,
                .failed = failed_};
  for (const LogSlot& slot : used_) status.retained_bytes += slot.file.file_bytes;
  status.wants_file = free_.empty() && !used_.empty() && position_ > used_.back().file.file_bytes / 2;
  return status;
}

void SingleNodeLog::fail_all(std::vector<std::unique_ptr<Proposal>>& proposals, const Error& why) {
  for (const std::unique_ptr<Proposal>& proposal : proposals) proposal->fail(why);
}

std::vector<std::unique_ptr<Proposal>> SingleNodeLog::take_queue(std::unique_lock<std::mutex>&) {
  std::vector<std::unique_ptr<Proposal>> taken;
  std::size_t bytes = 0;
  while (!queue_.empty() && taken.size() < kBatchEntriesMax) {
    const std::size_t entry_bytes = queue_.front()->entry.size();
    if (!taken.empty() && bytes + entry_bytes > kBatchEntryBytesMax) break;
    bytes += entry_bytes;
    queue_bytes_ -= entry_bytes;
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return taken;
}

void SingleNodeLog::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty() || !calls_.empty(); });
    if (!calls_.empty()) {
      const std::function<void()> call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      call();
      lock.lock();
      continue;
    }
    if (stopping_) break;
    std::vector<std::unique_ptr<Proposal>> proposals = take_queue(lock);
    lock.unlock();
    commit(std::move(proposals));
    lock.lock();
  }
  std::vector<std::unique_ptr<Proposal>> waiting;
  for (std::unique_ptr<Proposal>& proposal : queue_) waiting.push_back(std::move(proposal));
  queue_.clear();
  queue_bytes_ = 0;
  lock.unlock();
  fail_all(waiting, error(Errc::cancelled, "the metadata log is stopping"));
}

void SingleNodeLog::commit(std::vector<std::unique_ptr<Proposal>> proposals) {
  std::vector<std::string_view> entries;
  entries.reserve(proposals.size());
  for (const std::unique_ptr<Proposal>& proposal : proposals) entries.push_back(proposal->entry);
  const Result<> written = write(entries);
  if (!written) {
    fail_all(proposals, written.error());
    return;
  }
  std::vector<CommittedEntry> committed;
  committed.reserve(proposals.size());
  std::uint64_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    index = next_index_ - proposals.size();
  }
  for (std::unique_ptr<Proposal>& proposal : proposals) {
    committed.push_back({.index = index++, .proposal = std::move(proposal)});
  }
  sink_(std::move(committed));
}

/// Writes and syncs one batch. Errc::ambiguous when that failed after it began, and then the log takes nothing any
/// more.
Result<> SingleNodeLog::write(const std::vector<std::string_view>& entries) {
  forget_lost_members();
  TRY(check_usable());
  const std::size_t bytes = batch_bytes(entries);
  FIRN_ASSERT(bytes <= kBatchBytesMax);
  Result<bool> fresh = make_room(bytes);
  if (!fresh) return fresh.error();

  const LogSlot active = in_use();
  const std::size_t head_bytes = *fresh ? kPageBytes : 0;
  Buffer pages(head_bytes + bytes);
  if (*fresh) write_file_header(active.file, set_.record().identity, pages.span().first(kPageBytes));
  const LogSetRecord set = set_.record();
  write_batch({.first_index = next_index_,
               .set_number = set.number,
               .incarnation = set.incarnation,
               .written_ms = clock_.now_unix_ms()},
              entries, active.file.nonce, pages.span().subspan(head_bytes));
  const Result<> written = write_pages(active.number, position_ - head_bytes, pages.view());
  const std::lock_guard lock(mutex_);
  if (!written) {
    failed_ = true;
    log::error("metadata log: {}", written.error().detail);
    return error(Errc::ambiguous, written.error().detail);
  }
  position_ += bytes;
  next_index_ += entries.size();
  used_.back().last_index = next_index_ - 1;
  return {};
}

Result<> SingleNodeLog::write_pages(std::uint32_t slot, std::uint64_t offset, ByteView pages) {
  std::vector<Result<>> results(members_.size());
  workers_.run(members_.size(), [&](std::size_t i) {
    LogDirectory& directory = *members_[i].directory;
    results[i] = directory.write(slot, offset, pages);
    crash_point("log written");
    if (results[i]) results[i] = directory.sync(slot);
    crash_point("log synced on a member");
  });
  crash_point("log synced");
  // Those that failed leave the set, on every living drive, before anything is answered.
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!results[i]) TRY(set_.drop(members_[i].drive, results[i].error()));
  }
  forget_lost_members();
  if (members_.empty()) return error(Errc::durability_unavailable, "no member is left");
  return check_usable();
}

/// What waited behind a batch that failed must not be written after all: the failed one may be in its place on some
/// member. Nor does it count on members of a set that no next start would find.
Result<> SingleNodeLog::check_usable() const {
  const std::lock_guard lock(mutex_);
  if (failed_) return error(Errc::durability_unavailable, "the metadata log has failed");
  if (set_.broken()) return error(Errc::durability_unavailable, "the metadata log set could not be recorded");
  return {};
}

/// Others may have taken a drive out of the set meanwhile: it is not written to any more.
void SingleNodeLog::forget_lost_members() {
  if (set_number_ == set_.number()) return;
  const LogSetRecord record = set_.record();
  set_number_ = record.number;
  const std::lock_guard lock(mutex_);
  std::erase_if(members_, [&](const Member& member) { return !record.has(member.drive); });
}

LogSlot SingleNodeLog::in_use() const {
  const std::lock_guard lock(mutex_);
  return used_.back();
}

Result<bool> SingleNodeLog::make_room(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (!used_.empty() && position_ + bytes <= used_.back().file.file_bytes) return false;
  }
  TRY_LET(LogSlot slot, take_free());
  if (slot.file.file_bytes < kPageBytes + bytes) {
    // Only the short first file can be too short for a batch: another one is made, this one comes back later.
    const std::lock_guard lock(mutex_);
    free_.insert(free_.begin(), slot);
    slot = {};
  }
  if (slot.number == 0) {
    TRY(make_file(options_.file_bytes));
    TRY_LET(slot, take_free());
  }
  slot.file.sequence = ++last_sequence_;
  fill_random(std::as_writable_bytes(std::span(&slot.file.nonce, 1)));
  const std::lock_guard lock(mutex_);
  slot.file.first_index = next_index_;
  slot.last_index = next_index_ - 1;
  used_.push_back(slot);
  position_ = kPageBytes;
  return true;
}

/// A free file, made now if there is none.
Result<LogSlot> SingleNodeLog::take_free() {
  for (int attempt = 0; attempt < 2; ++attempt) {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        const LogSlot slot = free_.back();
        free_.pop_back();
        return slot;
      }
    }
    TRY(make_file(options_.file_bytes));
  }
  return error(Errc::internal, "a log file vanished");
}

Result<> SingleNodeLog::make_file_on(const Member& member, std::uint32_t slot, std::uint64_t bytes) {
  const Result<> made = member.directory->create(slot, bytes);
  const bool again = made.code() == Errc::insufficient_storage && options_.full && options_.full(member.drive);
  return again ? member.directory->create(slot, bytes) : made;
}

Result<> SingleNodeLog::make_file(std::uint64_t bytes) {
  std::vector<Member> members;
  std::uint32_t slot = 0;
  {
    const std::lock_guard lock(mutex_);
    members = members_;
    slot = next_slot_++;
  }
  std::size_t made = 0;
  for (const Member& member : members) {
    const Result<> result = make_file_on(member, slot, bytes);
    if (result) {
      ++made;
    } else if (result.code() == Errc::insufficient_storage) {
      for (const Member& other : members) (void)other.directory->remove(slot);
      return result;
    } else {
      TRY(set_.drop(member.drive, result.error()));
    }
  }
  if (made == 0) return error(Errc::durability_unavailable, "no member is left");
  const std::lock_guard lock(mutex_);
  free_.push_back({.number = slot, .file = {.file_bytes = bytes}});
  return {};
}

Result<> SingleNodeLog::prepare() {
  const std::lock_guard preparing(preparing_);
  {
    const std::lock_guard lock(mutex_);
    const bool wanted = free_.empty() && !used_.empty() && position_ > used_.back().file.file_bytes / 2;
    if (!wanted || failed_) return {};
  }
  return make_file(options_.file_bytes);
}

void SingleNodeLog::drop_below(std::uint64_t index) {
  const std::lock_guard lock(mutex_);
  // The file in use stays, even when all its entries are covered.
  while (used_.size() > 1 && used_.front().last_index <= index) {
    free_.push_back({.number = used_.front().number, .file = {.file_bytes = used_.front().file.file_bytes}});
    used_.pop_front();
  }
}

}  // namespace firn::metadata
