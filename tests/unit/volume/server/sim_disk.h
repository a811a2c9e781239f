#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "firn/volume/disk.h"

namespace firn::volume {

/// A disk in memory that keeps what was written apart from what was synced, and fails as told.
///
/// Threads: any. All randomness comes from the seed.
class SimDisk final : public Disk {
 public:
  enum class Operation : std::uint8_t { read, write, sync, preallocate, replace_small };
  enum class Fault : std::uint8_t {
    none,
    fail,       ///< Nothing is stored; the operation answers `code`.
    lose,       ///< Answers success, stores nothing.
    tear,       ///< Answers success, stores the first half (in sectors).
    misdirect,  ///< Answers success, stores `distance_bytes` further on.
  };
  struct Injection {
    Operation operation = Operation::write;
    std::string path_part;  ///< Matches paths that contain it.
    Fault fault = Fault::fail;
    Errc code = Errc::io_error;
    std::int64_t distance_bytes = 0;
    std::uint64_t skip = 0;  ///< Matching operations to let pass first.
    std::uint64_t count = 1;
  };

  explicit SimDisk(std::uint64_t seed, std::uint64_t total_bytes = 1ULL << 40);

  Task<std::shared_ptr<DiskFile>> open(std::string path, Open how) override;
  Task<std::vector<std::string>> list(std::string directory) override;
  Task<> make_directories(std::string directory) override;
  Task<std::string> read_small(std::string path) override;
  Task<> replace_small(std::string path, std::string content) override;
  Task<> remove(std::string path) override;
  Task<> sync_directory(std::string directory) override;
  Task<DiskSpace> space(std::string directory) override;
  Task<std::unique_ptr<DiskLock>> lock(std::string path) override;

  void inject(Injection injection);
  void clear_injections();
  /// From the nth change (write, sync, name) from now on the power is off: nothing more happens, every call fails.
  void cut_power_after(std::uint64_t changes);
  bool power_is_off();
  /// The power goes, if it has not yet: of each page written but not synced, the drive kept all, nothing, or some
  /// sectors. Then it comes back; files opened before are dead.
  void crash();
  /// The process dies: everything written stays.
  void kill_process();
  /// Changes in all since the start: what cut_power_after counts.
  std::uint64_t changes();
  /// How often it was asked for its space.
  std::uint64_t space_questions();

  void flip_bit(const std::string& path, std::uint64_t byte, unsigned bit);
  std::vector<std::string> files();
  void overwrite(const std::string& path, std::uint64_t offset_bytes, ByteView bytes);
  std::vector<std::byte> content(const std::string& path, std::uint64_t offset_bytes, std::uint64_t length);
  void set_total_bytes(std::uint64_t total_bytes);

 private:
  friend class SimFile;
  friend class SimLock;
  using Page = std::array<std::byte, kPageBytes>;
  struct Content {
    std::uint64_t size_bytes = 0;
    std::map<std::uint64_t, Page> pages;
  };
  struct File {
    Content now;
    Content synced;
    std::set<std::uint64_t> dirty;
    bool name_synced = false;
  };

  Task<> turn();
  /// Counts a change; fails when the power is off.
  Result<> change();
  Result<> alive(std::uint64_t generation) const;
  Injection take_injection(Operation operation, const std::string& path);
  void store(File& file, std::uint64_t offset_bytes, ByteView bytes);
  void tear_page(const Page& written, Page& kept);
  std::uint64_t used_bytes() const;
  static std::string parent_of(const std::string& path);

  std::mutex mutex_;
  std::mt19937_64 random_;
  std::uint64_t total_bytes_;
  std::uint64_t generation_ = 1;
  std::uint64_t changes_ = 0;
  std::uint64_t space_questions_ = 0;
  std::optional<std::uint64_t> power_off_at_;
  bool power_off_ = false;
  std::map<std::string, std::shared_ptr<File>> files_;
  std::map<std::string, std::string> small_;  ///< Always durable: replace_small syncs all it does.
  std::set<std::string> directories_;
  std::set<std::string> locks_;
  std::vector<Injection> injections_;
};

}  // namespace firn::volume
