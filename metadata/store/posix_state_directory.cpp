#include <fcntl.h>

#include <algorithm>
#include <system_error>

#include "files/posix_file.h"
#include "firn/base/checksum.h"
#include "rows/try.h"
#include "store/state_directory.h"

namespace firn::metadata {
namespace {

constexpr std::size_t kReadBackBytes = 1 << 20;

class PosixStateFile final : public StateFile {
 public:
  explicit PosixStateFile(PosixFile file) : file_(std::move(file)) {}
  Result<> write(std::uint64_t offset_bytes, ByteView bytes) override { return file_.write_all(offset_bytes, bytes); }
  Result<> sync() override { return file_.sync_data(); }
  Result<> truncate(std::uint64_t bytes) override { return file_.truncate(bytes); }
  Result<std::size_t> read(std::uint64_t offset_bytes, MutableBytes bytes) const override {
    return file_.read_some(offset_bytes, bytes);
  }

 private:
  PosixFile file_;
};

Result<std::unique_ptr<StateFile>> state_file(Result<PosixFile> file) {
  if (!file) return file.error();
  return std::unique_ptr<StateFile>(std::make_unique<PosixStateFile>(std::move(*file)));
}

class PosixStateDirectory final : public StateDirectory {
 public:
  explicit PosixStateDirectory(std::filesystem::path directory) : directory_(std::move(directory)) {}

  Result<std::unique_ptr<StateFile>> create(const std::string& name) override {
    return state_file(PosixFile::open(directory_ / name, O_RDWR | O_CREAT | O_TRUNC));
  }
  Result<std::unique_ptr<StateFile>> open(const std::string& name) override {
    return state_file(PosixFile::open(directory_ / name, O_RDONLY));
  }

  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    std::error_code code;
    std::filesystem::directory_iterator entries(directory_, code);
    if (code) return failure(code, "list " + directory_.string());
    for (const std::filesystem::directory_entry& entry : entries) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::uint64_t> size(const std::string& name) override {
    std::error_code code;
    const std::uint64_t bytes = std::filesystem::file_size(directory_ / name, code);
    if (code) return failure(code, "size of " + (directory_ / name).string());
    return bytes;
  }

  Result<> remove(const std::string& name) override {
    std::error_code code;
    const bool removed = std::filesystem::remove(directory_ / name, code);
    if (code) return failure(code, "remove " + (directory_ / name).string());
    return removed ? Result<>() : Result<>(error(Errc::not_found, (directory_ / name).string()));
  }

  Result<> rename(const std::string& from, const std::string& to) override {
    std::error_code code;
    std::filesystem::rename(directory_ / from, directory_ / to, code);
    return code ? Result<>(failure(code, "rename " + (directory_ / from).string())) : Result<>();
  }

  Result<> sync_names() override { return sync_directory(directory_); }

  Result<std::uint64_t> xxh3_on_drive(const std::string& name, std::uint64_t bytes) override {
    TRY_LET(const PosixFile file, PosixFile::open(directory_ / name, O_RDONLY | O_DIRECT));
    Xxh3Stream stream;
    Buffer buffer(kReadBackBytes);
    for (std::uint64_t offset = 0; offset < bytes; offset += kReadBackBytes) {
      const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kReadBackBytes, bytes - offset));
      TRY_LET(const std::size_t count, file.read_some(offset, buffer.span()));
      if (count < wanted) return error(Errc::corrupt, (directory_ / name).string() + " is too short");
      stream.update(buffer.view().first(wanted));
    }
    return stream.digest();
  }

 private:
  static Error failure(const std::error_code& code, const std::string& doing) {
    if (code == std::errc::no_such_file_or_directory) return error(Errc::not_found, doing);
    return system_error(code.value(), doing);
  }
  std::filesystem::path directory_;
};

}  // namespace

Result<std::unique_ptr<StateDirectory>> open_state_directory(const std::filesystem::path& directory) {
  TRY(make_directories(directory));
  return std::unique_ptr<StateDirectory>(std::make_unique<PosixStateDirectory>(directory));
}

}  // namespace firn::metadata
