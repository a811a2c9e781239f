#include "disk/uring_disk.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "firn/base/log.h"

namespace firn::volume {
namespace {

bool is_passing(std::int32_t answer) { return answer == -EINTR || answer == -EAGAIN; }

class PosixLock final : public DiskLock {
 public:
  explicit PosixLock(std::shared_ptr<posix::FileDescriptor> file) : file_(std::move(file)) {}

 private:
  std::shared_ptr<posix::FileDescriptor> file_;
};

/// Whoever reads it stands before a container that does not start: there is nothing to fall back to.
Error refusal(int code) {
  std::string why = "io_uring is needed, and io_uring_setup answers: ";
  why += std::generic_category().message(code);
  if (code == EPERM || code == ENOSYS || code == EACCES) {
    why +=
        ". Container runtimes forbid it by default: let the container run under the seccomp profile "
        "deploy/seccomp/firn.json. Without a container, kernel.io_uring_disabled must be 0 (Linux 5.15 or newer)";
  } else if (code == ENOMEM) {
    why += ". Raise the limit of locked memory (LimitMEMLOCK, ulimit -l) or that of the container";
  }
  return error(Errc::io_error, why);
}

}  // namespace

Result<std::unique_ptr<Disk>> make_uring_disk(Runtime& runtime) {
  // A kernel or container without io_uring should stop the start, not the first PUT.
  io_uring probe{};
  const int answer = io_uring_queue_init(1, &probe, 0);
  if (answer < 0) return refusal(-answer);
  io_uring_queue_exit(&probe);
  return std::unique_ptr<Disk>(std::make_unique<UringDisk>(runtime));
}

Result<UringLoop*> UringDisk::loop() {
  const std::size_t thread = Runtime::current();
  FIRN_ASSERT(thread < loops_.size());
  if (!loops_[thread]) {
    auto made = UringLoop::make(runtime_.io(thread));
    if (!made) return std::move(made).error();
    loops_[thread] = std::move(made).value();
  }
  return loops_[thread].get();
}

Task<std::shared_ptr<DiskFile>> UringDisk::open(std::string path, Open how) {
  std::function<Result<posix::OpenedFile>()> work = [path, how] { return posix::open_file(path, how); };
  CO_TRY_LET(posix::OpenedFile opened, co_await run_blocking(runtime_, std::move(work)));
  if (!opened.direct && !buffered_was_said_.exchange(true)) {
    log::warn("{}: the file system refuses O_DIRECT: writing through the page cache, with the same syncs", path);
  }
  co_return std::shared_ptr<DiskFile>(std::make_shared<UringFile>(*this, std::move(path), std::move(opened.file)));
}

Task<std::vector<std::string>> UringDisk::list(std::string directory) {
  std::function<Result<std::vector<std::string>>()> work = [directory] { return posix::list(directory); };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<> UringDisk::make_directories(std::string directory) {
  std::function<Result<>()> work = [directory] { return posix::make_directories(directory); };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<std::string> UringDisk::read_small(std::string path) {
  std::function<Result<std::string>()> work = [path] { return posix::read_small(path); };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<> UringDisk::replace_small(std::string path, std::string content) {
  std::function<Result<>()> work = [path, content] { return posix::replace_small(path, content); };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<> UringDisk::remove(std::string path) {
  std::function<Result<>()> work = [path] { return posix::remove(path); };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<> UringDisk::sync_directory(std::string directory) {
  std::function<Result<>()> work = [directory] { return posix::sync_directory(directory); };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<DiskSpace> UringDisk::space(std::string directory) {
  std::function<Result<DiskSpace>()> work = [directory] { return posix::space(directory); };
  co_return co_await run_blocking(runtime_, std::move(work));
}

Task<std::unique_ptr<DiskLock>> UringDisk::lock(std::string path) {
  std::function<Result<std::shared_ptr<posix::FileDescriptor>>()> work = [path] { return posix::lock(path); };
  CO_TRY_LET(auto held, co_await run_blocking(runtime_, std::move(work)));
  co_return std::unique_ptr<DiskLock>(std::make_unique<PosixLock>(std::move(held)));
}

Task<> UringFile::read(std::uint64_t offset_bytes, MutableBytes into) {
  CO_TRY_LET(UringLoop* const loop, disk_.loop());
  while (!into.empty()) {
    const std::int32_t count = co_await loop->request([this, loop, offset_bytes, into](io_uring_sqe* sqe) {
      loop->prepare_read(sqe, file_->value(), into, offset_bytes);
    });
    if (is_passing(count)) continue;
    if (count < 0) co_return posix::failure(-count, "read " + path_);
    if (count == 0) co_return error(Errc::io_error, "read " + path_ + ": past its end");
    offset_bytes += static_cast<std::uint32_t>(count);
    into = into.subspan(static_cast<std::size_t>(count));
  }
  co_return Unit{};
}

/// Two requests that one coroutine waits for.
struct TwoAnswers {
  Completion first;
  Completion second;
  Completion resume;
  std::array<std::int32_t, 2> results{};
  unsigned open = 2;

  void answered(std::size_t which, std::int32_t result) {
    results[which] = result;
    if (--open == 0) resume.complete(0);
  }
};

Task<> UringFile::read_two(ReadPart first, ReadPart second) {
  CO_TRY_LET(UringLoop* const loop, disk_.loop());
  const auto counts = co_await read_apart(*loop, first, second);
  std::array<std::size_t, 2> done{};
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (counts[i] < 0 && !is_passing(counts[i])) co_return posix::failure(-counts[i], "read " + path_);
    done[i] = counts[i] < 0 ? 0 : static_cast<std::size_t>(counts[i]);
  }
  // Short reads are rare: the rest goes the plain way.
  CO_TRY(co_await read(first.offset_bytes + done[0], first.into.subspan(done[0])));
  co_return co_await read(second.offset_bytes + done[1], second.into.subspan(done[1]));
}

boost::asio::awaitable<std::array<std::int32_t, 2>> UringFile::read_apart(UringLoop& loop, const ReadPart& first,
                                                                          const ReadPart& second) {
  TwoAnswers answers;
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(std::int32_t)>(
      [this, &loop, &answers, &first, &second](auto handler) {
        answers.resume.emplace(std::move(handler));
        answers.first.emplace([&answers](std::int32_t result) { answers.answered(0, result); });
        answers.second.emplace([&answers](std::int32_t result) { answers.answered(1, result); });
        const auto prepare = [this, &loop](const ReadPart& part) {
          return [this, &loop, &part](io_uring_sqe* sqe) {
            loop.prepare_read(sqe, file_->value(), part.into, part.offset_bytes);
          };
        };
        loop.start(answers.first, prepare(first));
        loop.start(answers.second, prepare(second));
      },
      boost::asio::use_awaitable);
  co_return answers.results;
}

Task<> UringFile::write(std::uint64_t offset_bytes, ByteView bytes) {
  CO_TRY_LET(UringLoop* const loop, disk_.loop());
  while (!bytes.empty()) {
    const std::int32_t count = co_await loop->request([this, loop, offset_bytes, bytes](io_uring_sqe* sqe) {
      loop->prepare_write(sqe, file_->value(), bytes, offset_bytes);
    });
    if (is_passing(count)) continue;
    if (count < 0) co_return posix::failure(-count, "write " + path_);
    if (count == 0) co_return error(Errc::io_error, "write " + path_ + ": nothing was written");
    offset_bytes += static_cast<std::uint32_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  co_return Unit{};
}

Task<> UringFile::sync() {
  CO_TRY_LET(UringLoop* const loop, disk_.loop());
  for (;;) {
    const std::int32_t answer = co_await loop->request(
        [this](io_uring_sqe* sqe) { io_uring_prep_fsync(sqe, file_->value(), IORING_FSYNC_DATASYNC); });
    if (answer == 0) co_return still_named();
    // Interrupted before it began, so nothing was reported and forgotten; any other answer is final.
    if (answer != -EINTR) co_return error(Errc::io_error, posix::failure(-answer, "fdatasync " + path_).detail);
  }
}

/// What is synced in a file that was removed ends with the last descriptor: a drive's directory emptied under us.
Result<> UringFile::still_named() const {
  struct stat status{};
  if (::fstat(file_->value(), &status) != 0) return posix::failure(errno, "fstat " + path_);
  return status.st_nlink > 0 ? Result<>() : error(Errc::io_error, path_ + " was removed");
}

Task<> UringFile::preallocate(std::uint64_t size_bytes) {
  std::function<Result<>()> work = [file = file_, path = path_, size_bytes] {
    return posix::preallocate(file->value(), path, size_bytes);
  };
  co_return co_await run_blocking(disk_.runtime(), std::move(work));
}

}  // namespace firn::volume
