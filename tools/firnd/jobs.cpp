#include "jobs.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "firn/base/log.h"

namespace firn::server {

Jobs::Jobs(Runtime& runtime) : runtime_(runtime), gate_(runtime.io(0).get_executor()) {}

Result<> Jobs::start(const std::string& name, Work work) {
  const auto found = jobs_.find(name);
  if (found != jobs_.end() && found->second.state == "running") {
    return client_error(Errc::conditional_request_conflict, name + " is running already");
  }
  if (!gate_.enter()) return error(Errc::cancelled, "stopping");
  jobs_[name] = Job{};
  boost::asio::co_spawn(runtime_.io(0), run(name, std::move(work)),
                        boost::asio::detached);  // close() waits at the gate.
  return {};
}

boost::asio::awaitable<void> Jobs::run(std::string name, Work work) {
  const Gate::Pass pass(gate_);
  auto result = co_await work();
  Job& job = jobs_[name];
  if (result) {
    job.result = *std::move(result);
    job.state = "done";
    co_return;
  }
  const Error& failure = result.error();
  job.error = std::string(to_string(failure.code)) + (failure.detail.empty() ? "" : ": " + failure.detail);
  if (!failure.message.empty()) job.error = failure.message;
  job.state = "failed";
  log::warn("{}: {}", name, job.error);
}

boost::json::object Jobs::state(const std::string& name) const {
  const auto found = jobs_.find(name);
  if (found == jobs_.end()) return {{"job", name}, {"state", "never"}};
  boost::json::object state{{"job", name}, {"state", found->second.state}};
  if (found->second.state == "done") state["result"] = found->second.result;
  if (found->second.state == "failed") state["error"] = found->second.error;
  return state;
}

}  // namespace firn::server
