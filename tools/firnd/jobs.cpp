#include "jobs.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "firn/base/log.h"

namespace firn::server {

Jobs::Jobs(Runtime& runtime) : runtime_(runtime), gate_(runtime.io(0).get_executor()) {}

Result<std::uint64_t> Jobs::start(const std::string& name, Work work) {
  auto& runs = jobs_[name];
  if (!runs.empty() && runs.back().state == "running") {
    return client_error(Errc::conditional_request_conflict, name + " is running already");
  }
  if (!gate_.enter()) return error(Errc::cancelled, "stopping");
  if (runs.size() == kKept) runs.pop_front();
  runs.push_back({.run = ++runs_});
  boost::asio::co_spawn(runtime_.io(0), carry_out(name, std::move(work)),
                        boost::asio::detached);  // close() waits at the gate.
  return runs_;
}

boost::asio::awaitable<void> Jobs::carry_out(std::string name, Work work) {
  const Gate::Pass pass(gate_);
  auto result = co_await work();
  Job& job = jobs_[name].back();
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

boost::json::object Jobs::state(const std::string& name, std::optional<std::uint64_t> run) const {
  const boost::json::object never{{"job", name}, {"state", "never"}};
  const auto found = jobs_.find(name);
  if (found == jobs_.end() || found->second.empty()) return never;
  const auto& runs = found->second;
  auto job = std::prev(runs.end());
  if (run) job = std::find_if(runs.begin(), runs.end(), [&](const Job& each) { return each.run == *run; });
  if (job == runs.end()) return never;
  boost::json::object state{{"job", name}, {"run", job->run}, {"state", job->state}};
  if (job->state == "done") state["result"] = job->result;
  if (job->state == "failed") state["error"] = job->error;
  return state;
}

}  // namespace firn::server
