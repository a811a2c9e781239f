#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/result.h"

namespace firn::metadata {

/// One member's log files, by slot number: the only door of the log to a drive.
///
/// Threads: calls for different slots from any thread; calls for one slot one after another.
/// Durability: what `write` returned for survives power loss once a `sync` begun after that returns.
class LogDirectory {
 public:
  virtual ~LogDirectory() = default;
  virtual Result<std::vector<std::uint32_t>> list() = 0;
  /// A file of that many zeros, preallocated and written, itself and its name durable. Replaces what is there.
  /// Errc::insufficient_storage when the drive is full.
  virtual Result<> create(std::uint32_t slot, std::uint64_t file_bytes) = 0;
  virtual Result<std::uint64_t> size(std::uint32_t slot) = 0;
  virtual Result<> remove(std::uint32_t slot) = 0;
  /// Offsets, lengths and memory are whole pages, within the file.
  virtual Result<> write(std::uint32_t slot, std::uint64_t offset_bytes, ByteView pages) = 0;
  virtual Result<> sync(std::uint32_t slot) = 0;
  virtual Result<> read(std::uint32_t slot, std::uint64_t offset_bytes, MutableBytes pages) = 0;
};

/// `directory` is made when it is absent. O_DIRECT where the file system takes it.
Result<std::unique_ptr<LogDirectory>> open_log_directory(const std::filesystem::path& directory);

}  // namespace firn::metadata
