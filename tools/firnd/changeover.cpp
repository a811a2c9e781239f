#include "changeover.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace firn::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "changeover";

fs::path meta_of(const fs::path& drive) { return drive / "meta"; }
fs::path prepared_of(const fs::path& drive) { return Changeover::folder(drive) / "meta"; }
fs::path single_of(const fs::path& drive) { return Changeover::folder(drive) / "single"; }
fs::path ready_of(const fs::path& drive) { return Changeover::folder(drive) / "ready"; }
/// What `single` is called before it is removed: a start that is cut short leaves no half of a way back.
fs::path ended_of(const fs::path& drive) { return Changeover::folder(drive) / "ended"; }

bool present(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Error failed(const char* doing, const fs::path& path, int code) {
  return client_error(Errc::io_error, std::string(doing) + " " + path.string() + ": " + std::strerror(code));
}

Error refusal(std::string message) { return client_error(Errc::invalid_argument, std::move(message)); }

Result<> sync(const fs::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed("open", path, errno);
  const int code = fsync(file) == 0 ? 0 : errno;
  close(file);
  return code == 0 ? Result<>() : Result<>(failed("sync", path, code));
}

Result<> make_file(const fs::path& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return failed("make", path, errno);
  close(file);
  return sync(path.parent_path());
}

}  // namespace

Result<> Changeover::lock() {
  for (const auto& drive : drives_) {
    const int directory = open(drive.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) continue;  // Not there: there is nothing to change.
    locks_.push_back(directory);
    if (flock(directory, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) continue;
    unlock();
    return client_error(Errc::already_exists, drive.string() + " is in use by another process");
  }
  return {};
}

void Changeover::unlock() {
  for (const int directory : std::exchange(locks_, {})) close(directory);
}

fs::path Changeover::folder(const fs::path& drive) { return drive / kFolder; }

Result<> Changeover::rename(const fs::path& from, const fs::path& to) const {
  step();
  std::error_code code;
  fs::rename(from, to, code);
  if (code) return failed("rename", from, code.value());
  if (auto done = sync(to.parent_path()); !done) return done;
  return sync(from.parent_path());
}

Result<> Changeover::remove(const fs::path& path) const {
  if (!present(path)) return {};
  step();
  std::error_code code;
  fs::remove_all(path, code);
  if (code) return failed("remove", path, code.value());
  return sync(path.parent_path());
}

Changeover::State Changeover::state() const {
  const auto any = [this](auto place) {
    return std::ranges::any_of(drives_, [&](const auto& drive) { return present(place(drive)); });
  };
  if (any(ended_of)) return State::ended;
  if (any(single_of)) return any(prepared_of) ? State::decided : State::finished;
  return any(ready_of) ? State::decided : State::none;
}

Result<> Changeover::discard() {
  for (const auto& drive : drives_) {
    if (auto done = remove(ready_of(drive)); !done) return done;
  }
  for (const auto& drive : drives_) {
    if (auto done = remove(folder(drive)); !done) return done;
  }
  return {};
}

Result<> Changeover::finish() {
  const bool begun = std::ranges::any_of(drives_, [](const auto& drive) { return present(single_of(drive)); });
  for (const auto& drive : drives_) {
    // Once one was exchanged all had been prepared: a drive that has nothing now was lost, or replaced, since.
    if (begun || present(prepared_of(drive))) continue;
    return refusal(drive.string() + " was not prepared with the others for becoming a cluster's");
  }
  for (const auto& drive : drives_) {
    if (!present(prepared_of(drive)) || present(ready_of(drive))) continue;
    step();
    if (auto done = make_file(ready_of(drive)); !done) return done;
  }
  for (const auto& drive : drives_) {
    if (!present(prepared_of(drive))) continue;
    if (!present(single_of(drive))) {
      if (auto done = rename(meta_of(drive), single_of(drive)); !done) return done;
    }
    if (auto done = rename(prepared_of(drive), meta_of(drive)); !done) return done;
  }
  return {};
}

Result<> Changeover::take_back() {
  const auto now = state();
  if (now == State::ended) return refusal("the cluster's node has started on these drives: there is no way back");
  if (now == State::none) return refusal("there is nothing to take back: these drives were not made a cluster's");
  for (const auto& drive : drives_) {
    if (!present(single_of(drive))) continue;
    if (present(meta_of(drive))) {
      if (auto done = rename(meta_of(drive), prepared_of(drive)); !done) return done;
    }
    if (auto done = rename(single_of(drive), meta_of(drive)); !done) return done;
  }
  return discard();
}

Result<> Changeover::end() {
  for (const auto& drive : drives_) {
    if (!present(single_of(drive))) continue;
    if (auto done = rename(single_of(drive), ended_of(drive)); !done) return done;
  }
  for (const auto& drive : drives_) {
    if (auto done = remove(ready_of(drive)); !done) return done;
  }
  for (const auto& drive : drives_) {
    if (auto done = remove(folder(drive)); !done) return done;
  }
  return {};
}

}  // namespace firn::server
