#include "admin.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

namespace firn::server {
namespace {

constexpr std::string_view kJobs = "jobs/";
constexpr std::string_view kDrives = "drives/";
constexpr std::string_view kTake = "/take";
constexpr unsigned kAccepted = 202;

gateway::AdminReply reply(const boost::json::object& content, unsigned status = 200) {
  return {status, boost::json::serialize(content) + "\n"};
}

Error unknown(const gateway::AdminRequest& request) {
  return client_error(Errc::not_implemented, "There is no request " + request.method + " " + request.path + ".");
}

Result<std::uint64_t> number(const std::string& text, const std::string& name) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc{} && end == text.data() + text.size()) return value;
  return client_error(Errc::invalid_argument, name + " must be a number");
}

/// "drives/3/take" → the third drive.
Result<DriveIndex> drive_of(const std::string& path) {
  const auto text = path.substr(kDrives.size(), path.size() - kDrives.size() - kTake.size());
  const auto spoken = number(text, "the drive");
  if (!spoken) return spoken.error();
  if (*spoken == 0 || *spoken > UINT16_MAX) return client_error(Errc::invalid_argument, "There is no such drive.");
  return DriveIndex{static_cast<std::uint16_t>(*spoken - 1)};
}

}  // namespace

Task<gateway::AdminReply> Admin::handle(gateway::AdminRequest request) {
  // Jobs and drives belong to io thread 0; administration is rare enough to change threads for.
  co_return co_await boost::asio::co_spawn(storage_.runtime().io(0), answer(std::move(request)),
                                           boost::asio::use_awaitable);
}

Task<gateway::AdminReply> Admin::answer(gateway::AdminRequest request) {
  if (request.method == "GET" && request.path == "status") {
    CO_TRY_LET(const auto content, co_await status());
    co_return reply(content);
  }
  if (request.method == "GET" && request.path == "usage") {
    CO_TRY_LET(const auto content, co_await usage(request.parameter("bucket")));
    co_return reply(content);
  }
  if (request.path.starts_with(kJobs)) {
    const auto name = request.path.substr(kJobs.size());
    if (request.method == "POST") {
      CO_TRY_LET(const auto run, start_job(name, request));
      co_return reply(jobs_.state(name, run), kAccepted);
    }
    if (request.method == "GET") {
      std::optional<std::uint64_t> run;
      if (const auto asked = request.parameter("run"); !asked.empty()) {
        CO_TRY_LET(run, number(asked, "run"));
      }
      co_return reply(jobs_.state(name, run));
    }
  }
  if (request.method == "POST" && request.path.starts_with(kDrives) && request.path.ends_with(kTake) &&
      request.path.size() > kDrives.size() + kTake.size()) {
    CO_TRY_LET(const DriveIndex drive, drive_of(request.path));
    const std::filesystem::path directory = request.parameter("path");
    if (!directory.empty() && !directory.is_absolute()) {
      co_return client_error(Errc::invalid_argument, "path must be an absolute path on the server");
    }
    CO_TRY(co_await storage_.take_drive(drive, directory));
    CO_TRY_LET(const auto content, co_await status());
    co_return reply(content);
  }
  if (request.method == "POST") {
    CO_TRY_LET(const auto changed, co_await change_growth(request));
    if (changed) {
      CO_TRY_LET(const auto content, co_await status());
      co_return reply(content);
    }
  }
  co_return unknown(request);
}

Result<std::uint64_t> Admin::start_job(const std::string& name, const gateway::AdminRequest& request) {
  if (name == "scrub") {
    const auto rate = number(request.parameter("bytes-per-second", "0"), "bytes-per-second");
    if (!rate) return rate.error();
    return jobs_.start(name, [this, rate = *rate] { return scrub(rate); });
  }
  if (name == "verify") return jobs_.start(name, [this] { return verify(); });
  if (name == "fsck") return jobs_.start(name, [this] { return fsck(); });
  if (name == "backup") {
    const std::string file = request.parameter("file");
    if (!std::filesystem::path(file).is_absolute()) {
      return client_error(Errc::invalid_argument, "file must be an absolute path on the server");
    }
    return jobs_.start(name, [this, file] { return backup(file); });
  }
  return unknown(request);
}

}  // namespace firn::server
