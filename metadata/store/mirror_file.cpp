#include <algorithm>

#include "files/crash_point.h"
#include "rows/try.h"
#include "store/state_mirror.h"

namespace firn::metadata {
namespace {

bool is_full(const Error& why) { return why.code == Errc::insufficient_storage; }

}  // namespace

MirrorWriter::~MirrorWriter() {
  if (!registered_) return;
  const std::shared_lock names(mirror_.names_);
  const std::lock_guard lock(mirror_.mutex_);
  mirror_.writers_.erase(this);
}

/// Calls `work` on each member's file, then `done`, with no join between: a drive that joined there would miss the
/// bytes of this append. A member that fails leaves, with the drive; the last error is the caller's when none is left.
template <class Work, class Done>
Result<> MirrorWriter::on_parts(Work work, Done done) {
  std::vector<std::pair<StateMirror::Member, Error>> failed;
  bool on_some = false;
  {
    const std::lock_guard lock(mutex_);
    if (full_) return *full_;
    forget_lost_members();
    std::erase_if(parts_, [&](Part& part) {
      while (true) {
        const Result<> result = work(*part.file);
        if (result) return false;
        if (mirror_.wait_for_space(part.member, result.error())) continue;
        if (mirror_.is_writable(part.member)) failed.emplace_back(part.member, result.error());
        return true;
      }
    });
    for (const auto& [member, why] : failed) {
      if (is_full(why)) full_ = why;
    }
    on_some = !parts_.empty();
    if (on_some && !full_) done();
  }
  for (const auto& [member, why] : failed) {
    if (!is_full(why)) TRY(mirror_.lost(member, why));
  }
  // At a stop a full drive is waited for no longer. That makes it no bad one: this file is not finished, on any drive.
  if (full_) return *full_;
  // Not what `parts_` has by now: a drive that joined since has nothing of it.
  if (on_some) return {};
  return failed.empty() ? error(Errc::durability_unavailable, "the metadata state has no member left")
                        : failed.front().second;
}

/// Members that left since the last call are not written to any more. Under the lock: a drive that joined after its
/// members were asked for would be forgotten again.
void MirrorWriter::forget_lost_members() {
  const std::uint64_t changes = mirror_.changes_.load(std::memory_order_acquire);
  if (changes == changes_) return;
  const std::vector<StateMirror::Member> members = mirror_.writable_members();
  changes_ = changes;
  std::erase_if(parts_, [&](const Part& part) { return std::ranges::find(members, part.member) == members.end(); });
}

Result<> MirrorWriter::append(ByteView bytes) {
  return on_parts([&](StateFile& file) { return file.write(size_, bytes); },
                  [&] {
                    size_ += bytes.size();
                    if (!sum_) return;
                    sum_->update(bytes);
                    mirror_.wrote(name_, {.bytes = size_, .xxh3 = sum_->digest()});
                  });
}

Result<> MirrorWriter::sync() {
  return on_parts(
      [](StateFile& file) {
        crash_point("state synced on a member");
        return file.sync();
      },
      [] {});
}

Result<> MirrorWriter::truncate(std::uint64_t bytes) {
  if (sum_) return error(Errc::not_implemented, "the state's " + name_ + " only grows");
  return on_parts([&](StateFile& file) { return file.truncate(bytes); }, [&] { size_ = std::min(size_, bytes); });
}

/// The member to read from: the same as before unless members or the file's copies changed.
Result<std::shared_ptr<const MirrorReader::Source>> MirrorReader::source() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t changes = mirror_.changes_.load(std::memory_order_acquire);
  if (source_ && source_->changes == changes) return source_;
  std::uint64_t rewritten = 0;
  {
    const std::lock_guard mirror_lock(mirror_.mutex_);
    const auto found = mirror_.rewritten_.find(name_);
    if (found != mirror_.rewritten_.end()) rewritten = found->second;
  }
  const std::vector<StateMirror::Member> members = mirror_.members();
  auto fresh = std::make_shared<Source>();
  fresh->changes = changes;
  fresh->rewritten = rewritten;
  if (source_ && source_->rewritten == rewritten && std::ranges::find(members, source_->member) != members.end()) {
    fresh->member = source_->member;
    fresh->file = source_->file;
    source_ = fresh;
    return source_;
  }
  Error why = error(Errc::durability_unavailable, "the metadata state has no member left");
  for (const StateMirror::Member& member : members) {
    Result<std::unique_ptr<StateFile>> file = member.directory->open(name_);
    if (!file) {
      why = file.error();
      continue;
    }
    fresh->member = member;
    fresh->file = std::move(*file);
    source_ = fresh;
    return source_;
  }
  return why;
}

Result<std::size_t> MirrorReader::read(std::uint64_t offset_bytes, MutableBytes bytes) {
  while (true) {
    TRY_LET(const std::shared_ptr<const Source> from, source());
    Result<std::size_t> count = from->file->read(offset_bytes, bytes);
    if (count) return count;
    TRY(mirror_.lost(from->member, count.error()));
  }
}

}  // namespace firn::metadata
