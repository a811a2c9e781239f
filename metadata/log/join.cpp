#include <future>
#include <map>

#include "files/crash_point.h"
#include "log/log_reader.h"
#include "log/single_node_log.h"
#include "rows/try.h"

namespace firn::metadata {

/// Runs `call` between two batches.
Result<> SingleNodeLog::on_log_thread(std::function<Result<>()> call) {
  std::promise<Result<>> done;
  std::future<Result<>> result = done.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return error(Errc::cancelled, "the metadata log is stopping");
    calls_.push_back([&] { done.set_value(call()); });
  }
  wake_.notify_one();
  return result.get();
}

/// Copies a used file's header and sound batches, synced.
Result<> SingleNodeLog::copy_slot(const LogSlot& slot, LogDirectory& to) const {
  const Result<std::uint64_t> size = to.size(slot.number);
  if (!size || *size != slot.file.file_bytes) TRY(to.create(slot.number, slot.file.file_bytes));
  Buffer header(kPageBytes);
  write_file_header(slot.file, set_.record().identity, header.span());
  TRY(to.write(slot.number, 0, header.view()));
  // Held as long as they are read from: the log thread lets go of one that fails meanwhile.
  const std::vector<Member> members = [this] {
    const std::lock_guard lock(mutex_);
    return members_;
  }();
  LogReader reader(directories(members), slot.number, slot.file);
  for (std::uint64_t index = slot.file.first_index; index <= slot.last_index;) {
    const std::uint64_t begin = reader.position();
    TRY_LET(const auto found, reader.next(index, slot.last_index));
    if (!found) return error(Errc::corrupt, "metadata log: entry " + std::to_string(index) + " can't be read");
    TRY(to.write(slot.number, begin, found->pages));
    index += found->batch.entries.size();
  }
  return to.sync(slot.number);
}

Result<> SingleNodeLog::join_drive(const LogSet::Drive& drive) {
  TRY_LET(std::unique_ptr<LogDirectory> directory, open_log_directory(log_path(drive.directory)));
  return join({drive.index, std::move(directory)});
}

Result<> SingleNodeLog::join(Member member) {
  const std::lock_guard preparing(preparing_);
  // What lies there is of another time.
  TRY_LET(const std::vector<std::uint32_t> old, member.directory->list());
  for (const std::uint32_t slot : old) TRY(member.directory->remove(slot));

  std::vector<LogSlot> used, free;
  {
    const std::lock_guard lock(mutex_);
    used.assign(used_.begin(), used_.end());
    free = free_;
  }
  std::map<std::uint32_t, Copied> copied;
  for (const LogSlot& slot : free) TRY(member.directory->create(slot.number, slot.file.file_bytes));
  for (const LogSlot& slot : used) {
    TRY(copy_slot(slot, *member.directory));
    copied[slot.number] = {slot.file.sequence, slot.last_index};
  }
  return on_log_thread([&] { return attach(member, copied); });
}

/// The rest, with the log at rest: what was written since the copy began, then membership.
Result<> SingleNodeLog::attach(const Member& member, std::map<std::uint32_t, Copied>& copied) {
  forget_lost_members();
  std::vector<LogSlot> used, free;
  {
    const std::lock_guard lock(mutex_);
    used.assign(used_.begin(), used_.end());
    free = free_;
  }
  for (const LogSlot& slot : used) {
    const Copied& have = copied[slot.number];
    if (have.sequence != slot.file.sequence || have.last_index != slot.last_index) {
      TRY(copy_slot(slot, *member.directory));
    }
  }
  // The log thread may have made a file when none was free.
  for (const LogSlot& slot : free) {
    if (!member.directory->size(slot.number)) TRY(member.directory->create(slot.number, slot.file.file_bytes));
  }
  crash_point("join: log copied");
  TRY(set_.add(member.drive));
  crash_point("join: member recorded");
  const std::lock_guard lock(mutex_);
  members_.push_back(member);
  return {};
}

}  // namespace firn::metadata
