#include "server/state_snapshot.h"

#include <algorithm>

#include "files/crash_point.h"
#include "files/posix_file.h"
#include "firn/base/checksum.h"
#include "firn/base/digest.h"
#include "rows/bytes.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
/// A flush may end between two looks at the files: then they are looked at again.
constexpr int kLooks = 100;

std::filesystem::path incoming_path(const std::filesystem::path& drive) { return drive / "meta" / "incoming"; }

/// A name that leads nowhere but into its directory.
bool is_plain(const std::string& name) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_'; };
  return !name.empty() && name != "." && name != ".." && std::ranges::all_of(name, allowed);
}

Result<> remove_folder(const std::filesystem::path& directory) {
  std::error_code code;
  std::filesystem::remove_all(directory, code);
  return code ? Result<>(system_error(code.value(), "remove " + directory.string())) : Result<>();
}

}  // namespace

StateSnapshot::StateSnapshot(RocksStore& store, StateMirror& mirror)
    : store_(store), mirror_(mirror), generation_(store.generation()) {
  Uuid id;
  fill_random(std::as_writable_bytes(std::span(id.bytes)));
  name_ = to_string(id);
}

Result<std::shared_ptr<StateSnapshot>> StateSnapshot::make(RocksStore& store, StateMirror& mirror) {
  const auto use = store.use();
  if (!store.is_open()) return error(Errc::durability_unavailable, "the metadata state is closed");
  TRY(store.hold_deletions());
  std::shared_ptr<StateSnapshot> snapshot(new StateSnapshot(store, mirror));  // Resumes them when it goes.
  TRY(store.flush());
  for (int look = 0; look < kLooks; ++look) {
    TRY_LET(snapshot->index_, store.persisted_index());
    TRY(snapshot->list());
    TRY_LET(const std::uint64_t after, store.persisted_index());
    if (after == snapshot->index_) return snapshot;
  }
  return error(Errc::slow_down, "the metadata state does not stand still");
}

StateSnapshot::~StateSnapshot() {
  readers_.clear();
  const auto use = store_.use();
  if (store_.is_open() && store_.generation() == generation_) (void)store_.resume_deletions();
}

Result<> StateSnapshot::list() {
  files_.clear();
  contents_.clear();
  readers_.clear();
  TRY_LET(const std::vector<RocksStore::LiveFile> live, store_.live_files());
  for (const RocksStore::LiveFile& file : live) TRY(add(file));
  return {};
}

Result<> StateSnapshot::add(const RocksStore::LiveFile& file) {
  files_.push_back({.name = file.name, .bytes = file.contents.empty() ? file.bytes : file.contents.size(), .xxh3 = 0});
  contents_.push_back(file.contents);
  readers_.emplace_back();
  if (file.contents.empty()) {
    // Open from now on: a copy that is taken away or rewritten meanwhile does no harm.
    TRY_LET(readers_.back(), mirror_.open(file.name));
  }
  ByteReader in(file.xxh3);
  files_.back().xxh3 = in.little<std::uint64_t>();
  if (in.done()) return {};
  TRY_LET(files_.back().xxh3, sum(files_.size() - 1));
  return {};
}

Result<std::uint64_t> StateSnapshot::sum(std::size_t file) {
  Xxh3Stream stream;
  Buffer buffer(kReadBytes);
  for (std::uint64_t offset = 0; offset < files_[file].bytes; offset += kReadBytes) {
    const std::size_t count =
        static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, files_[file].bytes - offset));
    TRY(read(file, offset, buffer.span().first(count)));
    stream.update(buffer.view().first(count));
  }
  return stream.digest();
}

Result<> StateSnapshot::read(std::size_t file, std::uint64_t offset_bytes, MutableBytes bytes) {
  if (file >= files_.size() || offset_bytes + bytes.size() > files_[file].bytes) {
    return error(Errc::invalid_argument, "a range beyond a snapshot's file");
  }
  if (readers_[file] == nullptr) {
    std::ranges::copy(as_bytes(contents_[file]).subspan(offset_bytes, bytes.size()), bytes.begin());
    return {};
  }
  while (!bytes.empty()) {
    TRY_LET(const std::size_t count, readers_[file]->read(offset_bytes, bytes));
    if (count == 0) return error(Errc::corrupt, "metadata state: " + files_[file].name + " is shorter than it was");
    offset_bytes += count;
    bytes = bytes.subspan(count);
  }
  return {};
}

Result<std::unique_ptr<IncomingState>> IncomingState::begin(const std::vector<Place>& places) {
  auto incoming = std::make_unique<IncomingState>();
  for (const Place& place : places) {
    TRY(discard(place.directory));
    TRY_LET(std::unique_ptr<StateDirectory> directory, open_state_directory(incoming_path(place.directory)));
    incoming->directories_.push_back(std::move(directory));
  }
  return incoming;
}

Result<> IncomingState::begin_file(const SnapshotFile& file) {
  TRY(end_file());
  if (!is_plain(file.name)) return error(Errc::corrupt, "a snapshot's file has a name it can't have");
  for (const auto& directory : directories_) {
    TRY_LET(std::unique_ptr<StateFile> opened, directory->create(file.name));
    open_.push_back(std::move(opened));
  }
  current_ = file;
  written_ = 0;
  sum_ = std::make_unique<Xxh3Stream>();
  has_current_ |= file.name == "CURRENT";
  return {};
}

Result<> IncomingState::write(ByteView bytes) {
  if (sum_ == nullptr || written_ + bytes.size() > current_.bytes) {
    return error(Errc::corrupt, "a snapshot's file is longer than was said");
  }
  for (const auto& file : open_) TRY(file->write(written_, bytes));
  sum_->update(bytes);
  written_ += bytes.size();
  return {};
}

Result<> IncomingState::end_file() {
  if (sum_ == nullptr) return {};
  if (written_ != current_.bytes || sum_->digest() != current_.xxh3) {
    return error(Errc::corrupt, "the snapshot's file " + current_.name + " was damaged on its way");
  }
  for (const auto& file : open_) TRY(file->sync());
  open_.clear();
  sum_.reset();
  return {};
}

Result<> IncomingState::finish() {
  TRY(end_file());
  if (!has_current_) return error(Errc::corrupt, "a snapshot without CURRENT");
  for (const auto& directory : directories_) TRY(directory->sync_names());
  return {};
}

Result<> IncomingState::put_in_place(const std::filesystem::path& drive) {
  if (!std::filesystem::is_directory(incoming_path(drive))) return {};
  TRY(remove_folder(state_path(drive)));
  crash_point("snapshot: old state removed");
  std::error_code code;
  std::filesystem::rename(incoming_path(drive), state_path(drive), code);
  if (code) return system_error(code.value(), "rename " + incoming_path(drive).string());
  TRY(sync_directory(drive / "meta"));
  crash_point("snapshot: in place on a drive");
  return {};
}

Result<> IncomingState::discard(const std::filesystem::path& drive) { return remove_folder(incoming_path(drive)); }

}  // namespace firn::metadata
