// What a PUT costs at least: bytes taken from a socket, MD5, 4+2 parity, direct writes to six drives, and a flush of
// each before the next body. No HTTP, no signature, no metadata, one flush for each body alone.
//   take_floor BYTES DIRECTORY1 ... DIRECTORY6     prints one JSON object
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/digest.h"
#include "firn/erasure/codec.h"

namespace firn {
namespace {

constexpr erasure::Shape kShape{4, 2};
constexpr std::size_t kDrives = 6;
constexpr std::size_t kChunkBytesMax = std::size_t{1} << 20;    // As the volume tier cuts its stripes.
constexpr std::uint64_t kFileBytes = std::uint64_t{192} << 20;  // Written again from its start when it is full.
// Enough bodies for half a second at the slowest, and no more than a minute's worth of small ones.
constexpr std::uint64_t kTotalBytes = std::uint64_t{512} << 20;
constexpr std::uint64_t kBodiesMin = 8;
constexpr std::uint64_t kBodiesMax = 1000;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "take_floor: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

double cpu_seconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) fail("getrusage");
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// One preallocated file on a drive.
class DriveFile {
 public:
  explicit DriveFile(const std::filesystem::path& directory) {
    const auto path = directory / "take_floor";
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_DIRECT, 0600);
    if (file_ < 0) fail(path.c_str());
    if (const int code = posix_fallocate(file_, 0, static_cast<off_t>(kFileBytes)); code != 0) {
      errno = code;
      fail(path.c_str());
    }
  }

  void write(ByteView bytes) {
    if (offset_bytes_ + bytes.size() > kFileBytes) offset_bytes_ = 0;
    const ssize_t written = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset_bytes_));
    if (written != static_cast<ssize_t>(bytes.size())) fail("pwrite");
    offset_bytes_ += bytes.size();
  }

  void flush() const {
    if (fdatasync(file_) != 0) fail("fdatasync");
  }

 private:
  int file_ = -1;
  std::uint64_t offset_bytes_ = 0;
};

/// Both ends of a TCP connection over loopback: a pipe would spare what a server cannot.
std::array<int, 2> connect_loopback() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, name, length) != 0 || listen(listener, 1) != 0) fail("listen");
  if (getsockname(listener, name, &length) != 0) fail("getsockname");
  const int near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (near < 0 || connect(near, name, length) != 0) fail("connect");
  const int far = accept(listener, nullptr, nullptr);
  if (far < 0) fail("accept");
  close(listener);
  return {near, far};
}

/// The feeder must not share the core it feeds, where there is another.
void leave_core() {
  cpu_set_t taken;
  cpu_set_t others;
  CPU_ZERO(&taken);
  CPU_ZERO(&others);
  if (sched_getaffinity(0, sizeof(taken), &taken) != 0) fail("sched_getaffinity");
  for (int core = 0; core < static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)); ++core) {
    if (!CPU_ISSET(core, &taken)) CPU_SET(core, &others);
  }
  if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof(others), &others) != 0) fail("sched_setaffinity");
}

[[noreturn]] void feed(int socket, std::uint64_t total_bytes) {
  leave_core();
  Buffer block(kChunkBytesMax);
  fill_random(block.span());
  while (total_bytes > 0) {
    const auto wanted = std::min<std::uint64_t>(total_bytes, block.size());
    const ssize_t sent = send(socket, block.data(), wanted, MSG_NOSIGNAL);
    if (sent < 0) _exit(1);
    total_bytes -= static_cast<std::uint64_t>(sent);
  }
  _exit(0);
}

void receive(int socket, MutableBytes bytes) {
  while (!bytes.empty()) {
    const ssize_t count = recv(socket, bytes.data(), bytes.size(), MSG_WAITALL);
    if (count <= 0) fail("recv");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

class Taker {
 public:
  Taker(int socket, std::span<char* const> directories) : socket_(socket), codec_(kShape) {
    for (const char* directory : directories) drives_.emplace_back(directory);
    for (std::size_t i = 0; i < kDrives; ++i) chunks_.emplace_back(kChunkBytesMax);
  }

  void take_body(std::uint64_t body_bytes) {
    Hasher md5(HashAlgorithm::md5);
    for (std::uint64_t left = body_bytes; left > 0;) left -= take_stripe(left, md5);
    for (const auto& drive : drives_) drive.flush();
    digest_ = md5.finish();
  }

  std::string_view digest() const { return digest_; }

 private:
  /// How many bytes of the body it took.
  std::uint64_t take_stripe(std::uint64_t left_bytes, Hasher& md5) {
    const auto share = round_up_to_page((left_bytes + kShape.data - 1) / kShape.data);
    const auto chunk_bytes = std::min<std::uint64_t>(kChunkBytesMax, share);
    std::array<MutableBytes, 2> parity{};
    for (std::size_t i = 0; i < parity.size(); ++i) {
      parity[i] = chunks_[kShape.data + i].span().first(chunk_bytes);
      std::ranges::fill(parity[i], std::byte{0});
    }
    std::uint64_t taken = 0;
    for (std::uint8_t i = 0; i < kShape.data && taken < left_bytes; ++i) {
      const auto used = std::min(chunk_bytes, left_bytes - taken);
      const auto chunk = chunks_[i].span().first(chunk_bytes);
      receive(socket_, chunk.first(used));
      md5.update(chunk.first(used));
      std::ranges::fill(chunk.subspan(used), std::byte{0});
      codec_.accumulate(i, chunk, parity);
      drives_[i].write(chunk.first(round_up_to_page(used)));
      taken += used;
    }
    for (std::size_t i = 0; i < parity.size(); ++i) drives_[kShape.data + i].write(parity[i]);
    return taken;
  }

  int socket_;
  erasure::Codec codec_;
  std::vector<DriveFile> drives_;
  std::vector<Buffer> chunks_;
  std::string digest_;
};

int run(std::uint64_t body_bytes, std::span<char* const> directories) {
  const auto bodies = std::clamp(kTotalBytes / body_bytes, kBodiesMin, kBodiesMax);
  const auto [near, far] = connect_loopback();
  const pid_t feeder = fork();
  if (feeder < 0) fail("fork");
  if (feeder == 0) feed(far, (bodies + 1) * body_bytes);
  close(far);

  Taker taker(near, directories);
  taker.take_body(body_bytes);  // The first one pays for memory.
  const double cpu = cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < bodies; ++i) taker.take_body(body_bytes);
  const double used = cpu_seconds() - cpu;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  if (waitpid(feeder, nullptr, 0) != feeder) fail("waitpid");

  const auto count = static_cast<double>(bodies);
  std::printf(
      "{\"operations\": %.0f, \"errors\": 0, \"seconds\": %.6f, \"cpu_s\": %.6f, \"cpu_ms_per_op\": %.6f, "
      "\"cpu_s_per_gb\": %.6f, \"last_md5\": \"%s\"}\n",
      count, elapsed.count(), used, used * 1e3 / count, used * 1e9 / (count * static_cast<double>(body_bytes)),
      to_hex(taker.digest()).c_str());
  return 0;
}

}  // namespace
}  // namespace firn

int main(int argc, char** argv) {
  const std::string_view text = argc > 1 ? argv[1] : "";
  std::uint64_t body_bytes = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), body_bytes);
  if (argc != 2 + static_cast<int>(firn::kDrives) || failure != std::errc{} || end != text.data() + text.size() ||
      body_bytes == 0) {
    std::fprintf(stderr, "usage: take_floor BYTES DIRECTORY1 ... DIRECTORY6\n");
    return 2;
  }
  return firn::run(body_bytes, std::span(argv, static_cast<std::size_t>(argc)).subspan(2));
}
