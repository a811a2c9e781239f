#include "log/log_set.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <thread>

#include "files/crash_point.h"
#include "firn/base/digest.h"
#include "firn/base/log.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

Error refused(std::string why) { return error(Errc::durability_unavailable, "metadata log set: " + std::move(why)); }

std::string to_text(const std::vector<DriveIndex>& drives) {
  std::string text;
  for (const DriveIndex drive : drives) text += (text.empty() ? "" : ", ") + std::to_string(drive.value);
  return text;
}

}  // namespace

LogSet::LogSet(const Options& options) {
  for (const Drive& drive : options.drives) living_[drive.index] = drive.directory;
  living_min_ = std::size_t{options.drive_count} - options.losses;
  // Whoever starts on fewer drives will have to give the word again at the next start.
  if (options.trust_highest) living_min_ = std::min(living_min_, living_.size());
}

Result<std::unique_ptr<LogSet>> LogSet::open(Options options) {
  if (options.drive_count == 0 || options.losses >= options.drive_count ||
      options.drives.size() > options.drive_count) {
    return error(Errc::invalid_argument, "metadata log set: drives and losses make no sense");
  }
  std::unique_ptr<LogSet> set(new LogSet(options));
  if (set->living_.size() != options.drives.size()) return refused("a drive is named twice");
  TRY(set->find(options));
  set->number_ = set->record_.number;
  return set;
}

Result<> LogSet::find(const Options& options) {
  std::vector<LogSetRecord> found;
  for (const auto& [drive, directory] : living_) {
    TRY_LET(std::optional<LogSetRecord> record, read_log_set(directory));
    if (record) found.push_back(std::move(*record));
  }
  const auto highest = std::ranges::max_element(found, {}, &LogSetRecord::number);
  const bool all_present = living_.size() == options.drive_count;
  if (highest == found.end() || (highest->number <= 1 && all_present)) {
    if (!all_present) return refused("no record on any drive, and drives are missing");
    return format(options);
  }
  for (const LogSetRecord& record : found) {
    if (record.identity != highest->identity) return refused("drives of different metadata stand together");
  }
  record_ = *highest;
  if (record_.drives != options.drive_count || record_.losses != options.losses) {
    return refused("formatted for " + std::to_string(record_.drives) + " drives of which " +
                   std::to_string(record_.losses) + " may be lost");
  }
  const std::size_t needed = std::size_t{record_.drives} - record_.losses;
  if (found.size() < needed && !options.trust_highest) {
    return refused(std::to_string(found.size()) + " drives with a record are present, " + std::to_string(needed) +
                   " are needed to be sure of the newest");
  }
  const bool any = std::ranges::any_of(record_.members, [&](DriveIndex member) { return living_.contains(member); });
  return any ? Result<>() : refused("none of its members is present: drives " + to_text(record_.members));
}

Result<> LogSet::format(const Options& options) {
  fresh_ = true;
  record_ = {.drives = options.drive_count, .losses = options.losses, .number = 0, .incarnation = 0};
  fill_random(std::as_writable_bytes(std::span(record_.identity.bytes)));
  for (const auto& [drive, directory] : living_) {
    if (record_.members.size() < record_.full_size(living_.size())) record_.members.push_back(drive);
  }
  std::vector<std::pair<DriveIndex, Error>> failed;
  TRY(write(failed));
  // A first start that can't use every drive it was given is better refused than begun on fewer.
  return failed.empty() ? Result<>() : Result<>(failed.front().second);
}

Result<> LogSet::write(std::vector<std::pair<DriveIndex, Error>>& failed) {
  while (true) {
    if (record_.members.empty() || living_.size() < living_min_) {
      broken_.store(true, std::memory_order_release);
      return refused("too few drives are left");
    }
    ++record_.number;
    std::vector<std::pair<DriveIndex, Result<>>> results;
    for (const auto& [drive, directory] : living_) results.emplace_back(drive, Result<>());
    std::vector<std::thread> writers;
    for (auto& [drive, result] : results) {
      writers.emplace_back([&, index = drive] {
        crash_point("log set record");
        result = write_log_set(living_.at(index), record_);
      });
    }
    for (std::thread& writer : writers) writer.join();

    bool member_failed = false;
    for (const auto& [drive, result] : results) {
      if (result) continue;
      failed.emplace_back(drive, result.error());
      living_.erase(drive);
      member_failed |= std::erase(record_.members, drive) != 0;
    }
    number_.store(record_.number, std::memory_order_release);
    if (!member_failed && living_.size() >= living_min_) return {};
  }
}

void LogSet::report(const std::vector<std::pair<DriveIndex, Error>>& failed) {
  for (const auto& [drive, why] : failed) {
    log::error("metadata: drive {} is out: {}", drive.value, why.detail);
    if (drive_failed_) drive_failed_(drive, why);
  }
}

Result<> LogSet::begin(const std::vector<DriveIndex>& members) {
  std::vector<std::pair<DriveIndex, Error>> failed;
  Result<> result;
  {
    const std::lock_guard lock(mutex_);
    record_.members = members;
    std::ranges::sort(record_.members);
    ++record_.incarnation;
    result = write(failed);
    fresh_ = false;
  }
  report(failed);
  return result;
}

Result<> LogSet::drop(DriveIndex drive, const Error& why) {
  std::vector<std::pair<DriveIndex, Error>> failed;
  Result<> result;
  {
    const std::lock_guard lock(mutex_);
    if (living_.erase(drive) == 0) return broken() ? Result<>(refused("too few drives are left")) : Result<>();
    failed.emplace_back(drive, why);
    if (std::erase(record_.members, drive) != 0) {
      result = write(failed);
      if (result) log::warn("metadata: log set {} is drives {}", record_.number, to_text(record_.members));
    }
  }
  report(failed);
  return result;
}

Result<> LogSet::add(DriveIndex drive) {
  std::vector<std::pair<DriveIndex, Error>> failed;
  Result<> result;
  {
    const std::lock_guard lock(mutex_);
    if (!living_.contains(drive)) return error(Errc::drive_out, "drive " + std::to_string(drive.value));
    if (record_.has(drive)) return {};
    record_.members.push_back(drive);
    std::ranges::sort(record_.members);
    result = write(failed);
    if (result) log::info("metadata: log set {} is drives {}", record_.number, to_text(record_.members));
  }
  report(failed);
  return result;
}

Result<> LogSet::returned(Drive drive) {
  std::vector<std::pair<DriveIndex, Error>> failed;
  Result<> result;
  {
    const std::lock_guard lock(mutex_);
    if (living_.contains(drive.index)) return {};
    TRY_LET(const std::optional<LogSetRecord> old, read_log_set(drive.directory));
    if (old && old->identity != record_.identity) return refused("the drive belongs to other metadata");
    living_[drive.index] = drive.directory;
    result = write(failed);
  }
  report(failed);
  return result;
}

LogSetRecord LogSet::record() const {
  const std::lock_guard lock(mutex_);
  return record_;
}

std::vector<LogSet::Drive> LogSet::living() const {
  const std::lock_guard lock(mutex_);
  std::vector<Drive> drives;
  for (const auto& [index, directory] : living_) drives.push_back({index, directory});
  return drives;
}

}  // namespace firn::metadata
