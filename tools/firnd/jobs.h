#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "firn/base/gate.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"

namespace firn::server {

/// Work that takes longer than a request: started by one, asked about by others.
///
/// Threads: io thread 0. Memory: the results of the last `kKept` runs of each name.
class Jobs {
 public:
  using Work = std::function<Task<boost::json::object>()>;

  explicit Jobs(Runtime& runtime);
  /// The number of this run. Errc::conditional_request_conflict while one of that name runs.
  Result<std::uint64_t> start(const std::string& name, Work work);
  /// {"state": "never" | "running" | "done" | "failed", "run": …, "result": …, "error": …} of that run, else of the
  /// last. "never" when there is none, or it is too long ago.
  boost::json::object state(const std::string& name, std::optional<std::uint64_t> run) const;
  /// Waits for all. Their work must have been told to end.
  boost::asio::awaitable<void> close() { return gate_.close(); }

 private:
  /// Others may be started before whoever started one has asked for its result.
  static constexpr std::size_t kKept = 8;
  struct Job {
    std::uint64_t run = 0;
    std::string state = "running";
    std::string error;
    boost::json::object result;
  };
  boost::asio::awaitable<void> carry_out(std::string name, Work work);

  Runtime& runtime_;
  Gate gate_;
  std::uint64_t runs_ = 0;
  std::map<std::string, std::deque<Job>> jobs_;  // The last is the newest; only that one may be running.
};

}  // namespace firn::server
