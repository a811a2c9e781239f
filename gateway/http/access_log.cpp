#include "http/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "firn/base/log.h"

namespace firn::gateway {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte >= 0x7F) {
      // Bytes beyond ASCII may be no UTF-8; as code points they are at least legible JSON.
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(byte));
    } else {
      out.push_back(c);
    }
  }
}

void append_text_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":\"");
  append_escaped(out, value);
  out.push_back('"');
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

void append_json_line(std::string& out, const AccessLog::Line& line) {
  using namespace std::chrono;
  const sys_time<milliseconds> moment{milliseconds{line.time}};
  const sys_days day = floor<days>(moment);
  const year_month_day date{day};
  const hh_mm_ss time{moment - day};
  fmt::format_to(std::back_inserter(out), "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"",
                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                 time.hours().count(), time.minutes().count(), time.seconds().count(), time.subseconds().count());
  append_text_field(out, "request_id", line.request_id);
  append_text_field(out, "peer", line.peer);
  append_text_field(out, "operation", line.operation);
  append_text_field(out, "method", line.method);
  append_text_field(out, "path", line.raw_path);
  append_text_field(out, "access_key", line.access_key);
  fmt::format_to(std::back_inserter(out),
                 ",\"status\":{},\"received_bytes\":{},\"sent_bytes\":{},\"duration_us\":{}}}\n", line.status,
                 line.received_bytes, line.sent_bytes, duration_cast<microseconds>(line.duration).count());
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& path, MetricRegistry& registry) {
  int descriptor = STDOUT_FILENO;
  const bool owned = path != "-";
  if (owned) {
    constexpr mode_t kOwnerAndGroup = 0640;
    descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kOwnerAndGroup);
  }
  if (descriptor < 0) return error(Errc::io_error, "access log " + path + ": " + std::strerror(errno));
  Counter& dropped = registry.counter("firn_access_log_dropped_total", "Access log lines that came too fast to write");
  return std::unique_ptr<AccessLog>(new AccessLog(descriptor, owned, dropped));
}

AccessLog::AccessLog(int descriptor, bool owned, Counter& dropped)
    : descriptor_(descriptor), owned_(owned), dropped_(dropped), writer_([this] { run(); }) {}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  writer_.join();
  if (owned_) ::close(descriptor_);
}

void AccessLog::write(const Line& line) {
  thread_local std::string text;
  text.clear();
  append_json_line(text, line);
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() + text.size() > kPendingBytesMax) {
      dropped_.add();
      return;
    }
    was_empty = pending_.empty();
    pending_ += text;
  }
  if (was_empty) wake_.notify_one();
}

void AccessLog::run() {
  // Standard output may be a pipe whose reader has gone: an error to report, no reason to die.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  std::string taken;
  bool failed = false;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
    if (pending_.empty()) return;
    taken.swap(pending_);
    lock.unlock();
    const bool written = write_all(descriptor_, taken);
    if (!written && !failed) log::error("access log: {}", std::strerror(errno));
    failed = !written;
    taken.clear();
    lock.lock();
  }
}

}  // namespace firn::gateway
