#include "admin_client.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <pugixml.hpp>
#include <thread>

#include "firn/base/clock.h"
#include "firn/gateway/request_signer.h"

namespace firn::cli {
namespace {

constexpr std::string_view kPrefix = "/firn/admin/v1/";
constexpr unsigned kFirstFailure = 300;

/// Between looks at a job: short ones are told at once, long ones are not asked about all the time.
constexpr std::chrono::milliseconds kLookMin{20};
constexpr std::chrono::milliseconds kLookMax{1'000};

/// What the server says in S3's XML.
Error refusal(const HttpAnswer& answer) {
  pugi::xml_document document;
  const bool parsed = document.load_buffer(answer.body.data(), answer.body.size());
  const auto root = document.child("Error");
  if (!parsed || !root) {
    return client_error(Errc::io_error,
                        "the server answered " + std::to_string(answer.status) + "; is this Firn's S3 endpoint?");
  }
  return client_error(Errc::invalid_request,
                      std::string(root.child_value("Code")) + ": " + root.child_value("Message"));
}

Result<boost::json::object> parse_answer(const HttpAnswer& answer) {
  if (answer.status >= kFirstFailure) return refusal(answer);
  boost::system::error_code failure;
  auto value = boost::json::parse(answer.body, failure);
  if (failure || !value.is_object()) {
    return client_error(Errc::io_error, "the server's answer is not what an administration answers; is this Firn?");
  }
  return std::move(value.as_object());
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

Result<boost::json::object> AdminClient::ask(const std::string& method, const std::string& path,
                                             Parameters parameters) const {
  auto request = gateway::sign_request({.method = method,
                                        .host = http_.endpoint().authority(),
                                        .path = std::string(kPrefix) + path,
                                        .parameters = std::move(parameters)},
                                       credential_, system_clock_source().now_unix_ms());
  const auto answer = http_.exchange({method, std::move(request.target), std::move(request.headers)});
  if (!answer) return answer.error();
  return parse_answer(*answer);
}

Result<boost::json::object> AdminClient::run_job(const std::string& name, Parameters parameters) const {
  auto state = ask("POST", "jobs/" + name, std::move(parameters));
  if (!state) return state;
  const auto* number = state->if_contains("run");
  const std::string run = number != nullptr ? boost::json::serialize(*number) : std::string();
  for (auto pause = kLookMin; state && text_of(*state, "state") == "running"; pause = std::min(2 * pause, kLookMax)) {
    std::this_thread::sleep_for(pause);
    state = ask("GET", "jobs/" + name, {{"run", run}});
  }
  if (!state) return state;
  if (const auto* result = state->if_contains("result"); result != nullptr && result->is_object()) {
    return result->as_object();
  }
  const std::string why = text_of(*state, "error");
  return client_error(Errc::internal, why.empty() ? "the server was stopped before " + name + " was done" : why);
}

}  // namespace firn::cli
