#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/result.h"

namespace firn::metadata {

/// The one file in a state directory that is the member's own: up to which number its files were read back.
inline constexpr char kVerifiedMarker[] = "VERIFIED";

/// A table or blob file: written once, and listed by RocksDB with its checksum.
inline bool is_table(const std::string& name) { return name.ends_with(".sst") || name.ends_with(".blob"); }

/// A file of one member's copy of the state.
///
/// Threads: reads from any; writes, syncs and truncation one after another.
class StateFile {
 public:
  virtual ~StateFile() = default;
  virtual Result<> write(std::uint64_t offset_bytes, ByteView bytes) = 0;
  virtual Result<> sync() = 0;
  virtual Result<> truncate(std::uint64_t bytes) = 0;
  /// How much was there.
  virtual Result<std::size_t> read(std::uint64_t offset_bytes, MutableBytes bytes) const = 0;
};

/// One member's copy of the state, a flat directory: the only door of the state to a drive.
///
/// Threads: any. Errc::not_found for a file that is not there, insufficient_storage for a full drive.
class StateDirectory {
 public:
  virtual ~StateDirectory() = default;
  virtual Result<std::unique_ptr<StateFile>> create(const std::string& name) = 0;  ///< Empties what is there.
  virtual Result<std::unique_ptr<StateFile>> open(const std::string& name) = 0;
  virtual Result<std::vector<std::string>> list() = 0;
  virtual Result<std::uint64_t> size(const std::string& name) = 0;
  virtual Result<> remove(const std::string& name) = 0;
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  /// Makes names added, changed and removed durable.
  virtual Result<> sync_names() = 0;
  /// XXH3-64 of the file's first `bytes` bytes as they are on the drive, past the page cache where that is possible.
  /// Errc::corrupt when it is shorter.
  virtual Result<std::uint64_t> xxh3_on_drive(const std::string& name, std::uint64_t bytes) = 0;
};

/// Where it lies on a drive.
inline std::filesystem::path state_path(const std::filesystem::path& drive) { return drive / "meta" / "state"; }

/// `directory` is made when it is absent.
Result<std::unique_ptr<StateDirectory>> open_state_directory(const std::filesystem::path& directory);

}  // namespace firn::metadata
