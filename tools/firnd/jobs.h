#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <string>

#include "firn/base/gate.h"
#include "firn/base/result.h"
#include "firn/base/runtime.h"

namespace firn::server {

/// Work that takes longer than a request: started by one, asked about by others.
///
/// Threads: io thread 0. Memory: one result per name.
class Jobs {
 public:
  using Work = std::function<Task<boost::json::object>()>;

  explicit Jobs(Runtime& runtime);
  /// Errc::conditional_request_conflict while one of that name runs.
  Result<> start(const std::string& name, Work work);
  /// {"state": "never" | "running" | "done" | "failed", "result": …, "error": …}
  boost::json::object state(const std::string& name) const;
  /// Waits for all. Their work must have been told to end.
  boost::asio::awaitable<void> close() { return gate_.close(); }

 private:
  struct Job {
    std::string state = "running";
    std::string error;
    boost::json::object result;
  };
  boost::asio::awaitable<void> run(std::string name, Work work);

  Runtime& runtime_;
  Gate gate_;
  std::map<std::string, Job> jobs_;
};

}  // namespace firn::server
