#include "store/state_mirror.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "files/crash_point.h"
#include "firn/base/log.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

constexpr std::chrono::milliseconds kSpaceRetry{200};

}  // namespace

StateMirror::StateMirror(std::vector<Member> members, Events events)
    : events_(std::move(events)), members_(std::move(members)) {}

StateMirror::~StateMirror() = default;

std::vector<StateMirror::Member> StateMirror::members() const {
  const std::lock_guard lock(mutex_);
  return members_;
}

std::vector<StateMirror::Member> StateMirror::writable_members() const {
  const std::lock_guard lock(mutex_);
  std::vector<Member> members = members_;
  if (joining_) members.push_back(*joining_);
  return members;
}

Result<> StateMirror::lost(const Member& member, const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    if (joining_ && *joining_ == member) {
      if (joining_result_) joining_result_ = why;
      return {};
    }
    if (std::ranges::find(members_, member) == members_.end()) return {};  // It left already.
  }
  log::error("metadata state: drive {}: {}", member.drive.value, why.detail);
  drop(member.drive);
  return events_.lost ? events_.lost(member.drive, why) : Result<>();
}

Result<> StateMirror::lose(DriveIndex drive, const Error& why) {
  for (const Member& member : members()) {
    if (member.drive == drive) return lost(member, why);
  }
  return {};
}

void StateMirror::drop(DriveIndex drive) {
  const std::lock_guard lock(mutex_);
  std::erase_if(members_, [&](const Member& member) { return member.drive == drive; });
  changes_.fetch_add(1, std::memory_order_acq_rel);
}

template <class Work>
Result<> StateMirror::on_all(Work work) {
  const std::vector<Member> members = writable_members();
  std::vector<std::pair<Member, Error>> failed;
  bool any = false;
  for (const Member& member : members) {
    Result<> result = work(member);
    if (result) {
      any = true;
    } else {
      failed.emplace_back(member, result.error());
    }
  }
  if (members.empty()) return error(Errc::durability_unavailable, "the metadata state has no member left");
  // What fails everywhere says something of the call, not of the drives.
  if (!any) return failed.front().second;
  const bool stopping = waiting_stopped_.load(std::memory_order_acquire);
  Result<> full;
  for (const auto& [member, why] : failed) {
    if (stopping && why.code == Errc::insufficient_storage) {
      full = why;
    } else {
      TRY(lost(member, why));
    }
  }
  return full;
}

template <class Work>
auto StateMirror::on_first(Work work) -> decltype(work(std::declval<StateDirectory&>())) {
  std::vector<std::pair<Member, Error>> failed;
  for (const Member& member : members()) {
    auto result = work(*member.directory);
    if (!result) {
      failed.emplace_back(member, result.error());
      continue;
    }
    for (const auto& [bad, why] : failed) TRY(lost(bad, why));
    return result;
  }
  if (failed.empty()) return error(Errc::durability_unavailable, "the metadata state has no member left");
  return failed.front().second;
}

bool StateMirror::is_writable(const Member& member) const {
  const std::vector<Member> members = writable_members();
  return std::ranges::find(members, member) != members.end();
}

bool StateMirror::wait_for_space(const Member& member, const Error& why) {
  if (why.code != Errc::insufficient_storage) return false;
  if (events_.full && events_.full(member.drive)) return true;
  if (waiting_stopped_.load(std::memory_order_acquire) || !is_writable(member)) return false;
  // RocksDB takes no "later" for an answer without stopping all writes: it waits here, with commits behind it.
  std::this_thread::sleep_for(kSpaceRetry);
  return true;
}

Result<std::unique_ptr<MirrorWriter>> StateMirror::create(const std::string& name) {
  const std::shared_lock names(names_);
  std::unique_ptr<MirrorWriter> writer(new MirrorWriter(*this, name));
  if (!is_table(name)) {
    writer->sum_.emplace();
    wrote(name, {.bytes = 0, .xxh3 = writer->sum_->digest()});
  }
  TRY(on_all([&](const Member& member) -> Result<> {
    while (true) {
      Result<std::unique_ptr<StateFile>> file = member.directory->create(name);
      if (file) {
        writer->parts_.push_back({member, std::move(*file)});
        return {};
      }
      if (!wait_for_space(member, file.error())) return file.error();
    }
  }));
  const std::lock_guard lock(mutex_);
  writers_.insert(writer.get());
  writer->registered_ = true;
  return writer;
}

Result<std::unique_ptr<MirrorReader>> StateMirror::open(const std::string& name) {
  std::unique_ptr<MirrorReader> reader(new MirrorReader(*this, name));
  TRY(on_first([&](StateDirectory& directory) { return directory.size(name); }));
  TRY(reader->source());
  return reader;
}

Result<std::vector<std::string>> StateMirror::list() {
  return on_first([](StateDirectory& directory) { return directory.list(); });
}

Result<std::uint64_t> StateMirror::size(const std::string& name) {
  return on_first([&](StateDirectory& directory) { return directory.size(name); });
}

Result<> StateMirror::remove(const std::string& name) {
  const std::shared_lock names(names_);
  if (is_table(name)) {
    const std::lock_guard lock(mutex_);
    doomed_.insert(name);
    return {};
  }
  {
    const std::lock_guard lock(mutex_);
    written_.erase(name);
  }
  return on_all([&](const Member& member) { return member.directory->remove(name); });
}

std::optional<StateMirror::Sum> StateMirror::written(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = written_.find(name);
  return found == written_.end() ? std::nullopt : std::optional(found->second);
}

void StateMirror::wrote(const std::string& name, const Sum& sum) {
  const std::lock_guard lock(mutex_);
  written_[name] = sum;
}

std::set<std::string> StateMirror::doomed() const {
  const std::lock_guard lock(mutex_);
  return doomed_;
}

void StateMirror::remove_doomed(const std::set<std::string>& doomed) {
  const std::shared_lock names(names_);
  for (const std::string& name : doomed) {
    // A file that can't be removed is removed when the store is opened the next time.
    for (const Member& member : members()) (void)member.directory->remove(name);
    const std::lock_guard lock(mutex_);
    doomed_.erase(name);
    rewritten_.erase(name);
  }
}

Result<> StateMirror::rename(const std::string& from, const std::string& to) {
  const std::shared_lock names(names_);
  TRY(on_all([&](const Member& member) {
    crash_point("state renamed on a member");
    return member.directory->rename(from, to);
  }));
  const std::lock_guard lock(mutex_);
  written_.erase(to);
  if (auto moved = written_.extract(from)) {
    moved.key() = to;
    written_.insert(std::move(moved));
  }
  return {};
}

Result<> StateMirror::sync_names() {
  return on_all([](const Member& member) { return member.directory->sync_names(); });
}

void StateMirror::replaced() {
  const std::lock_guard lock(mutex_);
  doomed_.clear();
  rewritten_.clear();
  written_.clear();
  changes_.fetch_add(1, std::memory_order_acq_rel);
}

Result<> StateMirror::rewrite(const std::string& name, DriveIndex from, DriveIndex to) {
  const std::vector<Member> all = members();
  const auto source = std::ranges::find(all, from, &Member::drive);
  const auto member = std::ranges::find(all, to, &Member::drive);
  if (source == all.end() || member == all.end()) return error(Errc::drive_out, "a member left");
  const std::shared_ptr<StateDirectory> target = member->directory;
  TRY(copy_file(*source, *target, name));
  TRY(target->sync_names());
  const std::lock_guard lock(mutex_);
  ++rewritten_[name];
  changes_.fetch_add(1, std::memory_order_acq_rel);
  return {};
}

}  // namespace firn::metadata
