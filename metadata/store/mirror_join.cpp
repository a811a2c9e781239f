#include <algorithm>

#include "files/crash_point.h"
#include "rows/try.h"
#include "store/state_mirror.h"

namespace firn::metadata {
namespace {

constexpr std::size_t kCopyBytes = 1 << 20;
/// A table ends with what names all the rest of it: two of the same length and end are the same.
constexpr std::size_t kTailBytes = 64 << 10;
constexpr char kUnfinished[] = ".copying";

/// The last `length` bytes.
Result<Buffer> read_end(const MirrorSource& source, const std::string& name, std::uint64_t bytes, std::size_t length) {
  Buffer end(length);
  TRY_LET(const auto file, source.open(name));
  TRY_LET(const std::size_t count, source.read(*file, bytes - length, end.span()));
  if (count != length) return error(Errc::corrupt, "metadata state: " + name + " is shorter than it was");
  return end;
}

/// Whether the member has the file in the same length and with the same end.
Result<bool> same_end(const MirrorSource& source, StateDirectory& to, const std::string& name) {
  const Result<std::uint64_t> bytes = source.member.directory->size(name), to_bytes = to.size(name);
  if (!bytes || !to_bytes || *bytes != *to_bytes) return false;
  const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(*bytes, kTailBytes));
  TRY_LET(const Buffer end, read_end(source, name, *bytes, length));
  TRY_LET(const std::unique_ptr<StateFile> file, to.open(name));
  Buffer to_end(length);
  TRY_LET(const std::size_t count, file->read(*bytes - length, to_end.span()));
  return count == length && std::ranges::equal(end.view(), to_end.view());
}

/// What is copied: the first `bytes_max` bytes of a source's open file.
struct CopiedFile {
  const MirrorSource& source;
  const StateFile& file;
  std::uint64_t bytes_max = ~std::uint64_t{0};
  std::optional<std::uint64_t> xxh3;  ///< Of these bytes, where it is known.
};

/// Errc::corrupt when they are not those that were written.
Result<std::unique_ptr<StateFile>> copy_bytes(const CopiedFile& from, StateDirectory& to, const std::string& name) {
  TRY_LET(std::unique_ptr<StateFile> target, to.create(name));
  Buffer buffer(kCopyBytes);
  Xxh3Stream sum;
  for (std::uint64_t offset = 0; offset < from.bytes_max;) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kCopyBytes, from.bytes_max - offset));
    TRY_LET(const std::size_t count, from.source.read(from.file, offset, buffer.span().first(wanted)));
    if (count == 0) break;
    TRY(target->write(offset, buffer.view().first(count)));
    if (from.xxh3) sum.update(buffer.view().first(count));
    offset += count;
  }
  if (from.xxh3 && sum.digest() != *from.xxh3) return error(Errc::corrupt, "metadata state: a damaged copy of " + name);
  TRY(target->sync());
  return target;
}

}  // namespace

Result<std::unique_ptr<StateFile>> MirrorSource::open(const std::string& name) const {
  Result<std::unique_ptr<StateFile>> file = member.directory->open(name);
  if (!file && file.code() == Errc::io_error) return mirror.source_failed(member, file.error());
  return file;
}

Result<std::size_t> MirrorSource::read(const StateFile& file, std::uint64_t offset_bytes, MutableBytes bytes) const {
  Result<std::size_t> count = file.read(offset_bytes, bytes);
  if (!count && count.code() == Errc::io_error) return mirror.source_failed(member, count.error());
  return count;
}

Error StateMirror::source_failed(const Member& source, const Error& why) {
  if (members().size() < 2) return error(Errc::durability_unavailable, "nothing to fill a drive from: " + why.detail);
  const Result<> left = lost(source, why);
  return left ? error(Errc::drive_out, "the drive that was copied from failed: " + why.detail) : left.error();
}

/// Under another name first: a copy that is cut short must not look like the file.
Result<> StateMirror::copy_file(const Member& from, StateDirectory& to, const std::string& name) {
  const MirrorSource source{*this, from};
  TRY_LET(const std::unique_ptr<StateFile> file, source.open(name));
  TRY(copy_bytes({source, *file}, to, name + kUnfinished));
  return to.rename(name + kUnfinished, name);
}

/// Files being written: what they have so far, and a part for what comes.
Result<> StateMirror::attach_writers(const Member& member) {
  std::set<MirrorWriter*> writers;
  {
    const std::lock_guard lock(mutex_);
    writers = writers_;
  }
  for (MirrorWriter* writer : writers) {
    const std::lock_guard lock(writer->mutex_);
    TRY_LET(std::unique_ptr<StateFile> file, copy_written(*writer, *member.directory));
    TRY(member.directory->rename(writer->name_ + kUnfinished, writer->name_));
    writer->parts_.push_back({member, std::move(file)});
  }
  return {};
}

/// From a member whose copy is as it was written: the others need not have been found out yet.
Result<std::unique_ptr<StateFile>> StateMirror::copy_written(const MirrorWriter& writer, StateDirectory& to) {
  Result<std::unique_ptr<StateFile>> copied = error(Errc::durability_unavailable, "no member has " + writer.name_);
  for (const auto& part : writer.parts_) {
    // A member that left stays among the parts until the next write.
    const std::vector<Member> sources = members();
    if (std::ranges::find(sources, part.member) == sources.end()) continue;
    const MirrorSource source{*this, part.member};
    std::optional<std::uint64_t> sum;
    if (writer.sum_) sum = writer.sum_->digest();
    copied = copy_bytes({source, *part.file, writer.size_, sum}, to, writer.name_ + kUnfinished);
    if (copied.code() != Errc::corrupt) break;
  }
  return copied;
}

/// Files nobody writes and nobody is about to remove.
Result<std::vector<std::string>> StateMirror::settled_files() {
  TRY_LET(std::vector<std::string> names, list());
  std::set<std::string> skipped;
  {
    const std::lock_guard lock(mutex_);
    for (const MirrorWriter* writer : writers_) skipped.insert(writer->name_);
    skipped.insert(doomed_.begin(), doomed_.end());
  }
  std::erase_if(names, [&](const std::string& name) {
    return skipped.contains(name) || name.ends_with(kUnfinished) || name == kVerifiedMarker;
  });
  return names;
}

/// Whether the file had to be copied. `sum` is null for one that is no part of the state yet: it is copied as it is.
Result<bool> StateMirror::copy_table(const Member& member, const std::string& name, const Sum* sum) {
  const std::vector<Member> sources = members();
  if (sources.empty()) return error(Errc::durability_unavailable, "the metadata state has no member left");
  TRY_LET(const bool same, same_end({*this, sources.front()}, *member.directory, name));
  if (same) return false;
  const auto sound = [&](const Member& at) {
    return sum == nullptr || at.directory->xxh3_on_drive(name, sum->bytes).value_or(~sum->xxh3) == sum->xxh3;
  };
  // Where the ends differ either copy may be the damaged one.
  if (sum != nullptr && member.directory->size(name).value_or(0) == sum->bytes && sound(member)) return false;
  for (const Member& source : sources) {
    if (!sound(source)) continue;
    TRY(copy_file(source, *member.directory, name));
    return true;
  }
  return error(Errc::corrupt, "metadata state: no copy of " + name + " is sound");
}

Result<> StateMirror::copy_tables(const Member& member, const Sums& sums, std::vector<std::string>& copied) {
  TRY_LET(const std::vector<std::string> names, settled_files());
  for (const std::string& name : names) {
    if (!is_table(name)) continue;
    const auto sum = sums.find(name);
    TRY_LET(const bool was_copied, copy_table(member, name, sum == sums.end() ? nullptr : &sum->second));
    if (was_copied) copied.push_back(name);
  }
  // What the first member has lost, the drive that joins or another may still have. Where none has it, reading back
  // says so.
  for (const auto& [name, sum] : sums) {
    if (std::ranges::binary_search(names, name)) continue;
    const Result<bool> was_copied = copy_table(member, name, &sum);
    if (!was_copied && was_copied.code() != Errc::corrupt) return was_copied.error();
    if (was_copied) copied.push_back(name);
  }
  return {};
}

/// CURRENT last, when all that it leads to is there: until then an older state of the member stays whole.
Result<> StateMirror::copy_small_files(const Member& member) {
  constexpr char kCurrent[] = "CURRENT";
  TRY_LET(const std::vector<std::string> names, settled_files());
  const std::vector<Member> sources = members();
  if (sources.empty()) return error(Errc::durability_unavailable, "the metadata state has no member left");
  const Member& from = sources.front();
  for (const std::string& name : names) {
    if (!is_table(name) && name != kCurrent) TRY(copy_file(from, *member.directory, name));
  }
  TRY(member.directory->sync_names());
  crash_point("join: before CURRENT");
  if (std::ranges::find(names, kCurrent) == names.end()) return {};
  TRY(copy_file(from, *member.directory, kCurrent));
  return member.directory->sync_names();
}

Result<> StateMirror::remove_strangers(const Member& member, const Sums& sums) {
  TRY_LET(const std::vector<std::string> ours, list());
  TRY_LET(const std::vector<std::string> theirs, member.directory->list());
  for (const std::string& name : theirs) {
    const bool known = std::ranges::binary_search(ours, name) || sums.contains(name);
    if (!known && name != kVerifiedMarker) TRY(member.directory->remove(name));
  }
  return {};
}

/// Writers follow when they write the next time.
void StateMirror::end_join(bool joined) {
  const std::lock_guard lock(mutex_);
  if (joined) members_.push_back(*joining_);
  joining_.reset();
  changes_.fetch_add(1, std::memory_order_acq_rel);
}

Result<std::vector<std::string>> StateMirror::join(const Member& member, const Sums& sums) {
  {
    const std::unique_lock names(names_);
    {
      const std::lock_guard lock(mutex_);
      joining_ = std::make_unique<Member>(member);
      joining_result_ = Result<>();
    }
    const Result<> attached = attach_writers(member);
    if (!attached) return end_join(false), attached.error();
  }
  std::vector<std::string> copied;
  const Result<> tables = copy_tables(member, sums, copied);
  if (!tables) return end_join(false), tables.error();

  const std::unique_lock names(names_);
  Result<> result = copy_small_files(member);
  if (result) result = remove_strangers(member, sums);
  if (result) {
    const std::lock_guard lock(mutex_);
    result = joining_result_;
  }
  end_join(result.has_value());
  if (!result) return result.error();
  return copied;
}

}  // namespace firn::metadata
