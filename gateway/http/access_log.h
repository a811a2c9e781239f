#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "firn/base/clock.h"
#include "firn/base/metrics.h"
#include "firn/base/result.h"

namespace firn::gateway {

/// One JSON object per request and line, written behind the requests by a thread of its own.
///
/// Threads: `write` from any io thread; it never waits for the disk.
/// Memory: kPendingBytesMax; lines that come faster than the file takes them are dropped and counted.
class AccessLog {
 public:
  /// "-" is standard output. The file is appended to, and made when absent.
  static Result<std::unique_ptr<AccessLog>> open(const std::string& path, MetricRegistry& registry);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  struct Line {
    UnixMs time = 0;
    std::string_view request_id;
    std::string_view peer;
    std::string_view operation;
    std::string_view method;
    std::string_view raw_path;  ///< Without the query: it may hold a signature.
    std::string_view access_key;
    unsigned status = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
    std::chrono::nanoseconds duration{0};
  };
  void write(const Line& line);

  /// Some 4,000 lines: a second of a busy server, while a log disk stalls.
  static constexpr std::size_t kPendingBytesMax = 1024 * 1024;

 private:
  AccessLog(int descriptor, bool owned, Counter& dropped);
  void run();

  const int descriptor_;
  const bool owned_;
  Counter& dropped_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string pending_;
  bool stopping_ = false;
  std::thread writer_;
};

/// The line's text, with its newline.
void append_json_line(std::string& out, const AccessLog::Line& line);

}  // namespace firn::gateway
