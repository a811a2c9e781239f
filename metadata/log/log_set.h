#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"

namespace firn::metadata {

/// Which drives hold log and state: docs/formats/log-set.md.
struct LogSetRecord {
  std::uint16_t drives = 0;  ///< n
  std::uint16_t losses = 0;  ///< m
  std::uint64_t number = 0;
  std::uint64_t incarnation = 0;
  Uuid identity;
  std::vector<DriveIndex> members;  ///< Rising.

  bool has(DriveIndex drive) const;
  std::size_t full_size(std::size_t living) const { return std::min<std::size_t>(losses + std::size_t{1}, living); }
};

/// The page that holds a record, and back: nothing when it holds none that is sound. Errc::unsupported_version.
std::string make_log_set_page(const LogSetRecord& record);
Result<std::optional<LogSetRecord>> parse_log_set_page(ByteView page);

/// The record of the drive at `directory` that counts, or nothing. Errc::unsupported_version.
Result<std::optional<LogSetRecord>> read_log_set(const std::filesystem::path& directory);
Result<> write_log_set(const std::filesystem::path& directory, const LogSetRecord& record);

/// Keeps the record of the log set on every living drive, and decides at start which one counts.
///
/// Threads: any. Changes are made one after another, each under a lock held while drives are written.
/// Durability: a change that returned is on every living drive, and on n - m of them at least.
class LogSet {
 public:
  struct Drive {
    DriveIndex index;
    std::filesystem::path directory;
  };
  struct Options {
    std::vector<Drive> drives;  ///< Those that are present.
    std::uint16_t drive_count = 0;
    std::uint16_t losses = 0;
    bool trust_highest = false;  ///< The operator's word that the highest number found is the one that counts.
  };
  /// Called without the lock, after the drive was recorded out of the set.
  using DriveFailed = std::function<void(DriveIndex, const Error&)>;

  /// Finds the record that counts, or begins formatting. Changes nothing on drives that were formatted before.
  static Result<std::unique_ptr<LogSet>> open(Options options);

  /// Formatting has begun and not ended: log and state begin empty.
  bool fresh() const { return fresh_; }
  /// The first record of this process: the members that are left, and a new incarnation.
  Result<> begin(const std::vector<DriveIndex>& members);

  /// Takes a drive out, when it failed or went. Errc::durability_unavailable when too few are left: then nothing may be
  /// acknowledged any more.
  Result<> drop(DriveIndex drive, const Error& why);
  /// Makes a living drive, which must hold log and state, a member.
  Result<> add(DriveIndex drive);
  /// A drive is there again, or another in its place. It gets the record and may be added.
  Result<> returned(Drive drive);

  LogSetRecord record() const;
  std::vector<Drive> living() const;
  /// Changes with every record.
  std::uint64_t number() const { return number_.load(std::memory_order_acquire); }
  bool broken() const { return broken_.load(std::memory_order_acquire); }
  void on_drive_failed(DriveFailed call) { drive_failed_ = std::move(call); }

 private:
  explicit LogSet(const Options& options);
  Result<> find(const Options& options);
  Result<> format(const Options& options);
  /// Records `record_` under the next number. Failing drives are taken out too. Holds the lock.
  Result<> write(std::vector<std::pair<DriveIndex, Error>>& failed);
  void report(const std::vector<std::pair<DriveIndex, Error>>& failed);

  mutable std::mutex mutex_;
  LogSetRecord record_;
  std::map<DriveIndex, std::filesystem::path> living_;
  std::size_t living_min_ = 0;  ///< A record on fewer drives could be missed by the next start.
  bool fresh_ = false;
  std::atomic<std::uint64_t> number_{0};
  std::atomic<bool> broken_{false};
  DriveFailed drive_failed_;
};

}  // namespace firn::metadata
