// Administration of a cluster that grows and shrinks.
#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>

#include "admin.h"
#include "growth/growth.h"
#include "map_change.h"

namespace firn::server {
namespace {

/// "nodes/3/drain": of what kind, which one, and what is to happen to it.
struct Asked {
  std::string kind, action;
  std::uint64_t number = 0;
};

std::optional<Asked> parse_path(const std::string& path) {
  const auto first = path.find('/'), last = path.rfind('/');
  if (first == std::string::npos || first == last) return std::nullopt;
  Asked asked{path.substr(0, first), path.substr(last + 1)};
  const char* begin = path.data() + first + 1;
  const char* const end = path.data() + last;
  const auto parsed = std::from_chars(begin, end, asked.number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || asked.number == 0 || asked.number > UINT16_MAX) {
    return std::nullopt;
  }
  return asked;
}

std::uint64_t number_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_uint64() ? value->as_uint64() : 0;
}

/// What the shards that have yet to go from it take, if all that it has take the same.
std::uint64_t bytes_to_go(const metadata::MapRecord& map, const GrowthProgress& progress,
                          const boost::json::array& drives) {
  std::uint64_t bytes = 0;
  for (const auto& each : drives) {
    const auto& drive = each.as_object();
    const DriveIndex index{static_cast<std::uint16_t>(number_of(drive, "drive") - 1)};
    const auto to_go = progress.to_go.find(index);
    const auto places = places_on(map, index);
    if (to_go == progress.to_go.end() || places == 0) continue;
    bytes += number_of(drive, "live_bytes") * std::min(to_go->second, places) / places;
  }
  return bytes;
}

}  // namespace

Task<std::optional<bool>> Admin::change_growth(const gateway::AdminRequest& request) {
  if (request.path == "drives") {
    const std::filesystem::path directory = request.parameter("path");
    if (!directory.is_absolute()) {
      co_return client_error(Errc::invalid_argument, "path must be an absolute path on the server");
    }
    CO_TRY(co_await storage_.add_drive(directory));
    co_return std::optional(true);
  }
  const auto asked = parse_path(request.path);
  if (!asked || (asked->kind != "nodes" && asked->kind != "drives")) co_return std::optional<bool>();
  Leaving leaving;
  if (asked->kind == "nodes") {
    leaving.node = NodeId{static_cast<std::uint32_t>(asked->number)};
  } else {
    leaving.drives.push_back(DriveIndex{static_cast<std::uint16_t>(asked->number - 1)});
  }
  if (asked->action == "drain") {
    CO_TRY(co_await storage_.drain(std::move(leaving), request.parameter("undo") == "1"));
  } else if (asked->action == "retire") {
    CO_TRY(co_await storage_.retire(std::move(leaving)));
  } else {
    co_return std::optional<bool>();
  }
  co_return std::optional(true);
}

Task<boost::json::object> Admin::growth_status(boost::json::array& drives) {
  const metadata::MapRecord map = storage_.map_record();
  const auto progress = growth_progress(map);
  for (auto& each : drives) {
    auto& drive = each.as_object();
    const DriveIndex index{static_cast<std::uint16_t>(number_of(drive, "drive") - 1)};
    const auto* record = find_drive(map, index);
    drive["leaving"] = record != nullptr && record->leaving;
    drive["places"] = places_on(map, index);
  }
  std::uint64_t rate = storage_.moving().bytes_per_second;
  if (progress.moving > 0) {
    for (const auto& [node, answer] : co_await storage_.cluster()->ask_all()) {
      rate += answer ? answer->moving_bytes_per_second : 0;
    }
  }
  const std::uint64_t bytes = bytes_to_go(map, progress, drives);
  boost::json::object status{{"moving", progress.moving},
                             {"waiting", progress.waiting},
                             {"sets_on_a_node", progress.sets_on_a_node},
                             {"bytes_left", bytes},
                             {"bytes_per_second", rate}};
  if (rate > 0) status["seconds_left"] = bytes / rate;
  co_return status;
}

}  // namespace firn::server
