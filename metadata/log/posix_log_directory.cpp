#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <system_error>

#include "files/posix_file.h"
#include "log/log_directory.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

constexpr std::size_t kZeroBytes = 1 << 20;
constexpr std::string_view kSuffix = ".log";

class PosixLogDirectory final : public LogDirectory {
 public:
  explicit PosixLogDirectory(std::filesystem::path directory) : directory_(std::move(directory)) {}

  Result<std::vector<std::uint32_t>> list() override {
    std::vector<std::uint32_t> slots;
    std::error_code code;
    std::filesystem::directory_iterator entries(directory_, code);
    if (code) return system_error(code.value(), "list " + directory_.string());
    for (const std::filesystem::directory_entry& entry : entries) {
      const std::string name = entry.path().filename().string();
      std::uint32_t slot = 0;
      const char* const end = name.data() + name.size();
      const auto [rest, failure] = std::from_chars(name.data(), end, slot);
      if (failure == std::errc() && std::string_view(rest, static_cast<std::size_t>(end - rest)) == kSuffix) {
        slots.push_back(slot);
      }
    }
    std::sort(slots.begin(), slots.end());
    return slots;
  }

  Result<> create(std::uint32_t slot, std::uint64_t file_bytes) override {
    forget(slot);
    TRY_LET(PosixFile file, PosixFile::open(path(slot), O_RDWR | O_CREAT | O_DIRECT));
    TRY(file.truncate(0));
    TRY(file.allocate(file_bytes));
    // Allocated blocks that were never written turn every first write into a change of metadata: write them now.
    Buffer zeros(kZeroBytes);
    std::memset(zeros.data(), 0, zeros.size());
    for (std::uint64_t offset = 0; offset < file_bytes; offset += zeros.size()) {
      const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), file_bytes - offset));
      TRY(file.write_all(offset, zeros.view().first(length)));
    }
    TRY(file.sync());
    return sync_directory(directory_);
  }

  Result<std::uint64_t> size(std::uint32_t slot) override {
    TRY_LET(PosixFile* const file, open(slot));
    return file->size();
  }

  Result<> remove(std::uint32_t slot) override {
    forget(slot);
    std::error_code code;
    std::filesystem::remove(path(slot), code);
    return code ? Result<>(system_error(code.value(), "remove " + path(slot).string())) : Result<>();
  }

  Result<> write(std::uint32_t slot, std::uint64_t offset_bytes, ByteView pages) override {
    TRY_LET(PosixFile* const file, open(slot));
    return file->write_all(offset_bytes, pages);
  }

  Result<> sync(std::uint32_t slot) override {
    TRY_LET(PosixFile* const file, open(slot));
    return file->sync_data();
  }

  Result<> read(std::uint32_t slot, std::uint64_t offset_bytes, MutableBytes pages) override {
    TRY_LET(PosixFile* const file, open(slot));
    return file->read_all(offset_bytes, pages);
  }

 private:
  std::filesystem::path path(std::uint32_t slot) const {
    std::string name = std::to_string(slot);
    if (name.size() < 4) name.insert(0, 4 - name.size(), '0');
    return directory_ / (name + std::string(kSuffix));
  }
  Result<PosixFile*> open(std::uint32_t slot) {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(slot);
    if (found != files_.end()) return &found->second;
    TRY_LET(PosixFile file, PosixFile::open(path(slot), O_RDWR | O_DIRECT));
    return &files_.emplace(slot, std::move(file)).first->second;
  }
  void forget(std::uint32_t slot) {
    const std::lock_guard lock(mutex_);
    files_.erase(slot);
  }

  std::filesystem::path directory_;
  std::mutex mutex_;
  std::map<std::uint32_t, PosixFile> files_;  // A map: addresses of files stay.
};

}  // namespace

Result<std::unique_ptr<LogDirectory>> open_log_directory(const std::filesystem::path& directory) {
  TRY(make_directories(directory));
  return std::unique_ptr<LogDirectory>(std::make_unique<PosixLogDirectory>(directory));
}

}  // namespace firn::metadata
