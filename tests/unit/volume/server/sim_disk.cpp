#include "sim_disk.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>

namespace firn::volume {
namespace {

constexpr std::size_t kSectorBytes = 512;

}  // namespace

class SimFile final : public DiskFile {
 public:
  SimFile(SimDisk& disk, std::string path, std::shared_ptr<SimDisk::File> file, std::uint64_t generation)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)), generation_(generation) {}

  Task<> read(std::uint64_t offset_bytes, MutableBytes into) override {
    CO_TRY(co_await disk_.turn());
    const std::lock_guard lock(disk_.mutex_);
    CO_TRY(disk_.alive(generation_));
    const auto injection = disk_.take_injection(SimDisk::Operation::read, path_);
    if (injection.fault == SimDisk::Fault::fail) co_return error(injection.code, "injected: read " + path_);
    if (offset_bytes + into.size() > file_->now.size_bytes)
      co_return error(Errc::io_error, "read past the end of " + path_);
    for (std::size_t at = 0; at < into.size(); at += kPageBytes) {
      const auto page = file_->now.pages.find((offset_bytes + at) / kPageBytes);
      if (page == file_->now.pages.end()) {
        std::memset(into.data() + at, 0, kPageBytes);
      } else {
        std::memcpy(into.data() + at, page->second.data(), kPageBytes);
      }
    }
    co_return Unit{};
  }

  Task<> read_two(ReadPart first, ReadPart second) override {
    CO_TRY(co_await read(first.offset_bytes, first.into));
    co_return co_await read(second.offset_bytes, second.into);
  }

  Task<> write(std::uint64_t offset_bytes, ByteView bytes) override {
    CO_TRY(co_await disk_.turn());
    {
      const std::lock_guard lock(disk_.mutex_);
      CO_TRY(disk_.alive(generation_));
      CO_TRY(disk_.change());
      const auto injection = disk_.take_injection(SimDisk::Operation::write, path_);
      switch (injection.fault) {
        case SimDisk::Fault::none:
          disk_.store(*file_, offset_bytes, bytes);
          break;
        case SimDisk::Fault::fail:
          co_return error(injection.code, "injected: write " + path_);
        case SimDisk::Fault::lose:
          break;
        case SimDisk::Fault::tear:
          disk_.store(*file_, offset_bytes, bytes.first(bytes.size() / 2 / kPageBytes * kPageBytes));
          break;
        case SimDisk::Fault::misdirect:
          disk_.store(*file_, offset_bytes + static_cast<std::uint64_t>(injection.distance_bytes), bytes);
          break;
      }
    }
    // Stored, but the answer takes its time: others may be flushed first.
    co_return co_await disk_.turn();
  }

  Task<> sync() override {
    CO_TRY(co_await disk_.turn());
    {
      const std::lock_guard lock(disk_.mutex_);
      CO_TRY(disk_.alive(generation_));
      CO_TRY(disk_.change());
      const auto injection = disk_.take_injection(SimDisk::Operation::sync, path_);
      if (injection.fault == SimDisk::Fault::fail) co_return error(injection.code, "injected: sync " + path_);
      if (injection.fault == SimDisk::Fault::lose) co_return Unit{};
      for (const std::uint64_t page : file_->dirty) file_->synced.pages[page] = file_->now.pages[page];
      file_->dirty.clear();
      file_->synced.size_bytes = file_->now.size_bytes;
    }
    // Synced, but the answer takes its time: what others write meanwhile is not covered.
    co_return co_await disk_.turn();
  }

  Task<> preallocate(std::uint64_t size_bytes) override {
    CO_TRY(co_await disk_.turn());
    const std::lock_guard lock(disk_.mutex_);
    CO_TRY(disk_.alive(generation_));
    CO_TRY(disk_.change());
    const auto injection = disk_.take_injection(SimDisk::Operation::preallocate, path_);
    if (injection.fault == SimDisk::Fault::fail) co_return error(injection.code, "injected: preallocate " + path_);
    const std::uint64_t more = size_bytes - std::min(size_bytes, file_->now.size_bytes);
    if (disk_.used_bytes() + more > disk_.total_bytes_) co_return error(Errc::drive_full, "preallocate " + path_);
    file_->now.size_bytes = std::max(file_->now.size_bytes, size_bytes);
    file_->synced.size_bytes = file_->now.size_bytes;
    co_return Unit{};
  }

 private:
  SimDisk& disk_;
  const std::string path_;
  const std::shared_ptr<SimDisk::File> file_;
  const std::uint64_t generation_;
};

class SimLock final : public DiskLock {
 public:
  SimLock(SimDisk& disk, std::string path, std::uint64_t generation)
      : disk_(disk), path_(std::move(path)), generation_(generation) {}
  ~SimLock() override {
    const std::lock_guard lock(disk_.mutex_);
    if (generation_ == disk_.generation_) disk_.locks_.erase(path_);
  }

 private:
  SimDisk& disk_;
  const std::string path_;
  const std::uint64_t generation_;
};

SimDisk::SimDisk(std::uint64_t seed, std::uint64_t total_bytes) : random_(seed), total_bytes_(total_bytes) {}

Task<> SimDisk::turn() {
  // Operations end in another order than they began.
  std::uint64_t turns = 0;
  {
    const std::lock_guard lock(mutex_);
    turns = random_() % 4;
  }
  const auto executor = co_await boost::asio::this_coro::executor;
  for (std::uint64_t i = 0; i <= turns; ++i) {
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
  }
  co_return Unit{};
}

Result<> SimDisk::alive(std::uint64_t generation) const {
  if (generation != generation_) return error(Errc::io_error, "a file of before the crash");
  if (power_off_) return error(Errc::io_error, "the power is off");
  return {};
}

Result<> SimDisk::change() {
  if (power_off_) return error(Errc::io_error, "the power is off");
  if (power_off_at_ && changes_ >= *power_off_at_) {
    power_off_ = true;
    return error(Errc::io_error, "the power is off");
  }
  ++changes_;
  return {};
}

SimDisk::Injection SimDisk::take_injection(Operation operation, const std::string& path) {
  for (Injection& injection : injections_) {
    if (injection.operation != operation || injection.count == 0 ||
        path.find(injection.path_part) == std::string::npos) {
      continue;
    }
    if (injection.skip > 0) {
      --injection.skip;
      continue;
    }
    --injection.count;
    return injection;
  }
  return Injection{.operation = operation, .path_part = {}, .fault = Fault::none};
}

void SimDisk::store(File& file, std::uint64_t offset_bytes, ByteView bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kPageBytes) {
    const std::uint64_t page = (offset_bytes + at) / kPageBytes;
    std::memcpy(file.now.pages[page].data(), bytes.data() + at, kPageBytes);
    file.dirty.insert(page);
  }
  file.now.size_bytes = std::max(file.now.size_bytes, offset_bytes + bytes.size());
}

void SimDisk::tear_page(const Page& written, Page& kept) {
  for (std::size_t at = 0; at < kPageBytes; at += kSectorBytes) {
    if (random_() % 2 == 0) std::memcpy(kept.data() + at, written.data() + at, kSectorBytes);
  }
}

void SimDisk::crash() {
  const std::lock_guard lock(mutex_);
  for (auto entry = files_.begin(); entry != files_.end();) {
    File& file = *entry->second;
    if (!file.name_synced && random_() % 2 == 0) {
      entry = files_.erase(entry);
      continue;
    }
    file.name_synced = true;
    for (const std::uint64_t page : file.dirty) {
      const std::uint64_t fate = random_() % 4;
      if (fate < 2) continue;
      if (fate == 2) tear_page(file.now.pages[page], file.synced.pages[page]);
      if (fate == 3) file.synced.pages[page] = file.now.pages[page];
    }
    file.dirty.clear();
    file.now = file.synced;
    ++entry;
  }
  ++generation_;
  locks_.clear();
  power_off_ = false;
  power_off_at_.reset();
}

void SimDisk::kill_process() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  locks_.clear();
}

void SimDisk::inject(Injection injection) {
  const std::lock_guard lock(mutex_);
  injections_.push_back(std::move(injection));
}

void SimDisk::clear_injections() {
  const std::lock_guard lock(mutex_);
  injections_.clear();
}

void SimDisk::cut_power_after(std::uint64_t changes) {
  const std::lock_guard lock(mutex_);
  power_off_at_ = changes_ + changes;
}

bool SimDisk::power_is_off() {
  const std::lock_guard lock(mutex_);
  return power_off_;
}

std::uint64_t SimDisk::changes() {
  const std::lock_guard lock(mutex_);
  return changes_;
}

std::uint64_t SimDisk::space_questions() {
  const std::lock_guard lock(mutex_);
  return space_questions_;
}

void SimDisk::flip_bit(const std::string& path, std::uint64_t byte, unsigned bit) {
  const std::lock_guard lock(mutex_);
  File& file = *files_.at(path);
  for (Content* content : {&file.now, &file.synced}) {
    content->pages[byte / kPageBytes][byte % kPageBytes] ^= static_cast<std::byte>(1U << bit);
  }
}

void SimDisk::overwrite(const std::string& path, std::uint64_t offset_bytes, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  File& file = *files_.at(path);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint64_t at = offset_bytes + i;
    for (Content* content : {&file.now, &file.synced}) content->pages[at / kPageBytes][at % kPageBytes] = bytes[i];
  }
}

std::vector<std::byte> SimDisk::content(const std::string& path, std::uint64_t offset_bytes, std::uint64_t length) {
  const std::lock_guard lock(mutex_);
  File& file = *files_.at(path);
  std::vector<std::byte> bytes(length);
  for (std::size_t i = 0; i < length; ++i) {
    const std::uint64_t at = offset_bytes + i;
    const auto page = file.now.pages.find(at / kPageBytes);
    if (page != file.now.pages.end()) bytes[i] = page->second[at % kPageBytes];
  }
  return bytes;
}

std::vector<std::string> SimDisk::files() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) names.push_back(name);
  return names;
}

void SimDisk::set_total_bytes(std::uint64_t total_bytes) {
  const std::lock_guard lock(mutex_);
  total_bytes_ = total_bytes;
}

std::uint64_t SimDisk::used_bytes() const {
  std::uint64_t used = 0;
  for (const auto& [name, file] : files_) used += file->now.size_bytes;
  return used;
}

std::string SimDisk::parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Task<std::shared_ptr<DiskFile>> SimDisk::open(std::string path, Open how) {
  CO_TRY(co_await turn());
  const std::lock_guard lock(mutex_);
  auto found = files_.find(path);
  if (found == files_.end()) {
    if (how == Open::existing) co_return error(Errc::not_found, path);
    CO_TRY(change());
    found = files_.emplace(path, std::make_shared<File>()).first;
  }
  const auto& file = found->second;
  co_return std::shared_ptr<DiskFile>(std::make_shared<SimFile>(*this, path, file, generation_));
}

Task<std::vector<std::string>> SimDisk::list(std::string directory) {
  CO_TRY(co_await turn());
  const std::lock_guard lock(mutex_);
  if (!directories_.contains(directory)) co_return error(Errc::not_found, directory);
  std::vector<std::string> names;
  const auto add = [&](const std::string& path) {
    if (parent_of(path) == directory) names.push_back(path.substr(directory.size() + 1));
  };
  for (const auto& [path, file] : files_) add(path);
  for (const auto& [path, content] : small_) add(path);
  for (const auto& path : directories_) add(path);
  co_return names;
}

Task<> SimDisk::make_directories(std::string directory) {
  CO_TRY(co_await turn());
  const std::lock_guard lock(mutex_);
  if (!directories_.contains(directory)) CO_TRY(change());
  for (std::string path = directory; !path.empty(); path = parent_of(path)) directories_.insert(path);
  co_return Unit{};
}

Task<std::string> SimDisk::read_small(std::string path) {
  CO_TRY(co_await turn());
  const std::lock_guard lock(mutex_);
  const auto found = small_.find(path);
  if (found == small_.end()) co_return error(Errc::not_found, path);
  co_return found->second;
}

Task<> SimDisk::replace_small(std::string path, std::string content) {
  CO_TRY(co_await turn());
  const std::lock_guard lock(mutex_);
  CO_TRY(change());
  const auto injection = take_injection(Operation::replace_small, path);
  if (injection.fault == Fault::fail) co_return error(injection.code, "injected: replace " + path);
  small_[path] = std::move(content);
  co_return Unit{};
}

Task<> SimDisk::remove(std::string path) {
  CO_TRY(co_await turn());
  const std::lock_guard lock(mutex_);
  CO_TRY(change());
  files_.erase(path);
  small_.erase(path);
  co_return Unit{};
}

Task<> SimDisk::sync_directory(std::string directory) {
  CO_TRY(co_await turn());
  const std::lock_guard lock(mutex_);
  CO_TRY(change());
  for (auto& [path, file] : files_) {
    if (parent_of(path) == directory) file->name_synced = true;
  }
  co_return Unit{};
}

Task<DiskSpace> SimDisk::space(std::string) {
  CO_TRY(co_await turn());
  const std::lock_guard lock(mutex_);
  ++space_questions_;
  const std::uint64_t used = used_bytes();
  co_return DiskSpace{.total_bytes = total_bytes_, .free_bytes = total_bytes_ - std::min(used, total_bytes_)};
}

Task<std::unique_ptr<DiskLock>> SimDisk::lock(std::string path) {
  CO_TRY(co_await turn());
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!locks_.insert(path).second) co_return error(Errc::already_exists, path);
    generation = generation_;
  }
  co_return std::unique_ptr<DiskLock>(std::make_unique<SimLock>(*this, std::move(path), generation));
}

}  // namespace firn::volume
