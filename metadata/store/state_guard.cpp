#include "store/state_guard.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <regex>

#include "firn/base/checksum.h"
#include "firn/base/log.h"
#include "rows/bytes.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

constexpr std::string_view kMarkMagic = "FIRNVER\r";

/// The number in a table's or blob file's name; 0 for others.
std::uint64_t number_of(std::string_view name) {
  std::uint64_t number = 0;
  if (name.ends_with(".sst") || name.ends_with(".blob")) {
    std::from_chars(name.data(), name.data() + name.size(), number);
  }
  return number;
}

std::string encode_mark(std::uint64_t number, const Uuid& identity) {
  std::string mark(kMarkMagic);
  append_little(mark, number);
  mark.append(reinterpret_cast<const char*>(identity.bytes.data()), identity.bytes.size());
  append_little(mark, xxh3(as_bytes(mark)));
  return mark;
}

/// 0 when there is no mark of this state.
std::uint64_t read_mark(StateDirectory& directory, const Uuid& identity) {
  Result<std::unique_ptr<StateFile>> file = directory.open(kVerifiedMarker);
  if (!file) return 0;
  std::string mark(encode_mark(0, identity).size(), '\0');
  const Result<std::size_t> count = (*file)->read(0, std::as_writable_bytes(std::span(mark)));
  if (!count || *count != mark.size()) return 0;
  ByteReader in(std::string_view(mark).substr(kMarkMagic.size()));
  const auto number = in.little<std::uint64_t>();
  return mark == encode_mark(number, identity) ? number : 0;
}

}  // namespace

StateGuard::StateGuard(RocksStore& store, StateMirror& mirror, const Uuid& identity)
    : store_(store), mirror_(mirror), identity_(identity) {}

Result<> StateGuard::trust_marks(const std::set<std::string>& except) {
  std::uint64_t lowest = ~std::uint64_t{0};
  for (const StateMirror::Member& member : mirror_.members()) {
    lowest = std::min(lowest, read_mark(*member.directory, identity_));
  }
  TRY_LET(const std::vector<LiveFile> files, store_.live_files());
  const std::lock_guard lock(mutex_);
  for (const LiveFile& file : files) {
    const std::uint64_t number = number_of(file.name);
    if (number != 0 && number <= lowest && !except.contains(file.name)) verified_.insert(file.name);
  }
  return {};
}

void StateGuard::forget() {
  const std::lock_guard marking(marking_);
  ++forgotten_;
  const std::lock_guard lock(mutex_);
  verified_.clear();
}

StateGuard::Counts StateGuard::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

/// Every member has the file as it was written: bad copies are rewritten from a good one.
Result<> StateGuard::check_table(const LiveFile& file) {
  ByteReader in(file.xxh3);
  const auto expected = in.little<std::uint64_t>();
  if (!in.done()) return error(Errc::corrupt, "metadata state: " + file.name + " has no checksum");
  const std::lock_guard checking(checking_);
  std::vector<StateMirror::Member> good, bad;
  const auto is_good = [&](const StateMirror::Member& member) {
    return member.directory->xxh3_on_drive(file.name, file.bytes).value_or(~expected) == expected;
  };
  for (const StateMirror::Member& member : mirror_.members()) (is_good(member) ? good : bad).push_back(member);
  if (good.empty()) return error(Errc::corrupt, "metadata state: no copy of " + file.name + " is sound");
  for (const StateMirror::Member& member : bad) {
    log::warn("metadata state: drive {}: the copy of {} is damaged, and rewritten", member.drive.value, file.name);
    const Result<> rewritten = mirror_.rewrite(file.name, good.front().drive, member.drive);
    if (rewritten.code() == Errc::drive_out) return rewritten;  // The good copy's drive failed: no fault of this one.
    if (!rewritten || !is_good(member)) {
      TRY(mirror_.lose(member.drive, error(Errc::corrupt, file.name + " can't be kept")));
      continue;
    }
    const std::lock_guard lock(mutex_);
    ++counts_.copies_repaired;
  }
  const std::lock_guard lock(mutex_);
  ++counts_.files_read_back;
  return {};
}

/// MANIFEST and OPTIONS have no checksum of RocksDB's: a copy is held against what was written to it. They are being
/// written, so a copy can't be exchanged: its member leaves.
Result<> StateGuard::check_small_file(const LiveFile& file) {
  if (!file.contents.empty()) return {};  // CURRENT: changed by rename alone, and named here by its contents.
  const std::optional<StateMirror::Sum> written = mirror_.written(file.name);
  if (!written) return {};  // Options of an earlier start: nothing is read from them.
  std::vector<std::pair<DriveIndex, Error>> bad;
  const std::vector<StateMirror::Member> members = mirror_.members();
  for (const StateMirror::Member& member : members) {
    const Result<std::uint64_t> digest = member.directory->xxh3_on_drive(file.name, written->bytes);
    if (!digest) {
      bad.emplace_back(member.drive, digest.error());
    } else if (*digest != written->xxh3) {
      bad.emplace_back(member.drive, error(Errc::corrupt, file.name + " differs from what was written"));
    }
  }
  if (bad.size() == members.size())
    return error(Errc::corrupt, "metadata state: no copy of " + file.name + " is sound");
  for (const auto& [drive, why] : bad) TRY(mirror_.lose(drive, why));
  return {};
}

Result<> StateGuard::write_marks(const std::vector<LiveFile>& files, const std::vector<StateMirror::Member>& seen) {
  std::uint64_t highest = 0;
  for (const LiveFile& file : files) highest = std::max(highest, number_of(file.name));
  const std::string mark = encode_mark(highest, identity_);
  for (const StateMirror::Member& member : mirror_.members()) {
    if (std::ranges::find(seen, member) == seen.end()) continue;
    // Not synced: a mark that is lost costs reading once more.
    TRY_LET(const std::unique_ptr<StateFile> file, member.directory->create(kVerifiedMarker));
    TRY(file->write(0, as_bytes(mark)));
  }
  return {};
}

Result<> StateGuard::read_back() {
  for (bool all = false; !all;) {
    TRY_LET(all, read_back_once());
  }
  return {};
}

Result<bool> StateGuard::read_back_once() {
  std::uint64_t before = 0;
  {
    const std::lock_guard marking(marking_);
    before = forgotten_;
  }
  const std::vector<StateMirror::Member> seen = mirror_.members();
  // What was doomed before the files were listed has been replaced by files of the list.
  const std::set<std::string> doomed = mirror_.doomed();
  TRY_LET(const std::vector<LiveFile> files, store_.live_files());
  std::set<std::string> verified;
  for (const LiveFile& file : files) {
    if (file.xxh3.empty()) {
      TRY(check_small_file(file));
      continue;
    }
    bool known = false;
    {
      const std::lock_guard lock(mutex_);
      known = verified_.contains(file.name);
    }
    if (!known) TRY(check_table(file));
    verified.insert(file.name);
  }
  const std::lock_guard marking(marking_);
  if (before != forgotten_) return false;
  {
    const std::lock_guard lock(mutex_);
    verified_ = std::move(verified);
  }
  {
    // Not while somebody compares one of them: a copy that went before the others would be taken for a lost one.
    const std::lock_guard checking(checking_);
    mirror_.remove_doomed(doomed);
  }
  TRY(write_marks(files, seen));
  return true;
}

Result<> StateGuard::read_back_all() {
  forget();
  return read_back();
}

Result<std::vector<std::string>> StateGuard::join(const StateMirror::Member& member) {
  TRY(store_.hold_deletions());
  forget();  // Before, for whoever is at it now and takes the drive for the member that it was,
  Result<std::vector<std::string>> copied = join_held(member);
  forget();  // and after, for whoever began meanwhile.
  TRY(store_.resume_deletions());
  return copied;
}

Result<std::vector<std::string>> StateGuard::join_held(const StateMirror::Member& member) {
  TRY_LET(const std::vector<LiveFile> files, store_.live_files());
  StateMirror::Sums sums;
  for (const LiveFile& file : files) {
    ByteReader in(file.xxh3);
    const auto xxh3 = in.little<std::uint64_t>();
    if (in.done()) sums[file.name] = {.bytes = file.bytes, .xxh3 = xxh3};
  }
  return mirror_.join(member, sums);
}

bool StateGuard::heal(const std::string& detail) {
  static const std::regex kFileName("[0-9]+\\.(sst|blob)");
  std::smatch match;
  const std::string named = std::regex_search(detail, match, kFileName) ? match.str() : std::string();
  const Result<std::vector<LiveFile>> files = store_.live_files();
  if (!files) return false;
  bool healed = false;
  for (const LiveFile& file : *files) {
    // RocksDB does not say in which blob file a bad blob is.
    if (named.empty() ? !file.name.ends_with(".blob") : file.name != named) continue;
    const Result<> checked = check_table(file);
    if (!checked) log::error("{}", checked.error().detail);
    healed |= checked.has_value();
  }
  return healed;
}

}  // namespace firn::metadata
