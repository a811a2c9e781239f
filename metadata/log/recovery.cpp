#include "log/recovery.h"

#include <algorithm>
#include <map>
#include <set>

#include "firn/base/log.h"
#include "log/log_reader.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

class Recovery {
 public:
  Recovery(const RecoveryInput& input, const Replay& replay)
      : input_(input), replay_(replay), members_(input.members) {}

  Result<RecoveredLog> run() {
    TRY(find_files());
    TRY(choose_used());
    log_.next_index = input_.after_index + 1;
    for (std::size_t i = 0; i < log_.used.size(); ++i) TRY(read_file(i));
    if (!log_.used.empty() && log_.next_index <= input_.after_index) {
      return damaged("it ends at entry " + std::to_string(log_.next_index - 1) + ", before the state");
    }
    return std::move(log_);
  }

 private:
  static Error damaged(const std::string& how) { return error(Errc::corrupt, "metadata log is damaged: " + how); }

  /// Calls `work` for each member that has not failed. One on which it fails is left out from then on.
  template <class Work>
  Result<> on_each(Work work) {
    const std::vector<LogDirectory*> all = members_;
    for (LogDirectory* member : all) {
      const Result<> done = work(*member);
      if (!done) leave_out(member, done.error());
    }
    if (members_.empty()) return error(Errc::durability_unavailable, log_.failed.front().second.detail);
    return {};
  }

  void leave_out(LogDirectory* member, const Error& why) {
    const auto place = std::ranges::find(input_.members, member);
    log_.failed.emplace_back(static_cast<std::size_t>(place - input_.members.begin()), why);
    std::erase(members_, member);
  }

  /// The newest sound header of each slot over all members.
  Result<> find_files() {
    Result<> found;
    TRY(on_each([&](LogDirectory& member) -> Result<> {
      TRY_LET(const std::vector<std::uint32_t> slots, member.list());
      for (const std::uint32_t slot : slots) {
        if (found) found = find_file(member, slot);
      }
      return {};
    }));
    return found;
  }

  Result<> find_file(LogDirectory& member, std::uint32_t slot) {
    LogSlot& known = files_.try_emplace(slot, LogSlot{.number = slot}).first->second;
    const Result<std::uint64_t> size = member.size(slot);
    Buffer page(kPageBytes);
    // What can't be read is as good as not there: other members have it, and writing will tell.
    if (!size || *size < kPageBytes || !member.read(slot, 0, page.span())) return {};
    known.file.file_bytes = std::max(known.file.file_bytes, *size);
    TRY_LET(const std::optional<LogFile> header, read_file_header(page.view(), input_.identity));
    if (header && header->file_bytes == *size && header->sequence > known.file.sequence) known.file = *header;
    return {};
  }

  Result<> choose_used() {
    std::vector<LogSlot> headed;
    for (auto& [number, slot] : files_) {
      if (slot.file.sequence != 0) {
        headed.push_back(slot);
      } else {
        TRY(keep_free(slot));
      }
    }
    std::ranges::sort(headed, {}, [](const LogSlot& slot) { return slot.file.sequence; });
    auto first = headed.end();
    for (auto slot = headed.begin(); slot != headed.end(); ++slot) {
      if (slot->file.first_index <= input_.after_index + 1) first = slot;
    }
    if (first == headed.end() && !headed.empty()) {
      return damaged("it begins at entry " + std::to_string(headed.front().file.first_index) +
                     ", the state ends at entry " + std::to_string(input_.after_index));
    }
    for (auto slot = headed.begin(); slot != first; ++slot) TRY(keep_free(*slot));
    for (auto slot = first; slot != headed.end(); ++slot) {
      if (slot != first && slot->file.sequence != (slot - 1)->file.sequence + 1) {
        return damaged("file " + std::to_string((slot - 1)->file.sequence + 1) + " is missing");
      }
      log_.used.push_back(*slot);
    }
    return {};
  }

  /// A file with nothing in it is free when every member has it in the same length, and goes otherwise.
  Result<> keep_free(const LogSlot& slot) {
    const bool everywhere = std::ranges::all_of(members_, [&](LogDirectory* member) {
      const Result<std::uint64_t> size = member->size(slot.number);
      return size && *size == slot.file.file_bytes && *size > kPageBytes;
    });
    if (everywhere) {
      log_.free.push_back({.number = slot.number, .file = {.file_bytes = slot.file.file_bytes}});
      return {};
    }
    return on_each(
        [&](LogDirectory& member) { return member.size(slot.number) ? member.remove(slot.number) : Result<>(); });
  }

  Result<> read_file(std::size_t position) {
    LogSlot& slot = log_.used[position];
    if (position != 0 && slot.file.first_index != log_.next_index) {
      return damaged("entries from " + std::to_string(log_.next_index) + " to " +
                     std::to_string(slot.file.first_index) + " are missing");
    }
    TRY(make_files_equal(slot));
    log_.next_index = slot.file.first_index;
    reading_ = members_;
    LogReader reader(reading_, slot.number, slot.file);
    while (true) {
      const std::uint64_t begin = reader.position();
      // Copies of what the state has are of no use any more; all others must be there on every member.
      TRY_LET(const auto found, reader.next(log_.next_index, input_.after_index));
      if (!found) break;
      TRY(take_batch(slot, *found, begin));
    }
    slot.last_index = log_.next_index - 1;
    log_.position = reader.position();
    TRY_LET(const bool beyond, reader.batch_beyond(log_.next_index));
    return beyond ? Result<>(damaged("entry " + std::to_string(log_.next_index) + " is gone and later ones are there"))
                  : Result<>();
  }

  /// Every member gets the file and its header, and what lies there is made durable before it is believed.
  Result<> make_files_equal(const LogSlot& slot) {
    Buffer header(kPageBytes);
    write_file_header(slot.file, input_.identity, header.span());
    Buffer page(kPageBytes);
    return on_each([&](LogDirectory& member) -> Result<> {
      const Result<std::uint64_t> size = member.size(slot.number);
      if (!size || *size != slot.file.file_bytes) TRY(member.create(slot.number, slot.file.file_bytes));
      const bool equal =
          member.read(slot.number, 0, page.span()).has_value() && std::ranges::equal(page.view(), header.view());
      if (!equal) TRY(member.write(slot.number, 0, header.view()));
      return member.sync(slot.number);
    });
  }

  Result<> take_batch(const LogSlot& slot, const LogReader::Found& found, std::uint64_t begin) {
    const Batch& batch = found.batch;
    if (batch.place.first_index != log_.next_index) {
      return damaged("entry " + std::to_string(batch.place.first_index) + " stands where entry " +
                     std::to_string(log_.next_index) + " should");
    }
    for (const std::size_t member : found.unsound) {
      log::warn("metadata log: a copy of entry {} is missing or damaged, and rewritten", log_.next_index);
      LogDirectory* const directory = reading_[member];
      Result<> repaired = directory->write(slot.number, begin, found.pages);
      if (repaired) repaired = directory->sync(slot.number);
      if (!repaired && std::ranges::find(members_, directory) != members_.end()) leave_out(directory, repaired.error());
    }
    if (members_.empty()) return error(Errc::durability_unavailable, log_.failed.front().second.detail);
    for (const std::string_view entry : batch.entries) {
      if (log_.next_index > input_.after_index) TRY(replay_(log_.next_index, entry));
      ++log_.next_index;
    }
    return {};
  }

  const RecoveryInput& input_;
  const Replay& replay_;
  std::vector<LogDirectory*> members_;  ///< Those that have not failed.
  std::vector<LogDirectory*> reading_;  ///< Those the current file is read from.
  std::map<std::uint32_t, LogSlot> files_;
  RecoveredLog log_;
};

}  // namespace

Result<RecoveredLog> recover_log(const RecoveryInput& input, const Replay& replay) {
  return Recovery(input, replay).run();
}

}  // namespace firn::metadata
