#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "report.h"
#include "table.h"

namespace firn::cli {
namespace {

std::string numbers(const boost::json::array& values) {
  std::string text;
  for (const auto& value : values) {
    if (!text.empty()) text += ", ";
    text += std::to_string(value.to_number<std::uint64_t>());
  }
  return text;
}

std::string repair_line(const boost::json::object& repair) {
  std::string line = text_at(repair, "state");
  if (const auto owed = number_at(repair, "extents_owed"); owed > 0) {
    line += fmt::format("; {}{} ({}) short of shards", flag_at(repair, "more_are_owed") ? "more than " : "",
                        spoken_count(owed, "extent"), spoken_bytes(number_at(repair, "bytes_owed")));
    const auto waiting = number_at(repair, "extents_waiting_for_a_drive");
    if (waiting > 0) line += fmt::format(", {} of them on a drive that is out", waiting);
  }
  line += fmt::format("; {} ({}) repaired since the start", number_at(repair, "extents_repaired"),
                      spoken_bytes(number_at(repair, "bytes_repaired")));
  if (const auto failed = number_at(repair, "repairs_failed"); failed > 0) {
    line += fmt::format(", {} failed and tried again (the log says why)", spoken_count(failed, "repair"));
  }
  return line;
}

std::string spoken_time(std::uint64_t seconds) {
  if (seconds < 120) return spoken_count(seconds, "second");
  if (seconds < 2 * 3600) return spoken_count(seconds / 60, "minute");
  return spoken_count(seconds / 3600, "hour");
}

std::string growth_line(const boost::json::object& growth) {
  const auto moving = number_at(growth, "moving"), waiting = number_at(growth, "waiting");
  const auto bound = number_at(growth, "sets_on_a_node");
  const std::string lost =
      bound == 0 ? "" : fmt::format("; WHAT IS IN {} IS LOST WITH A NODE", spoken_count(bound, "SET"));
  if (moving + waiting == 0)
    return (bound == 0 ? "nothing; drives are even" : "nothing yet: more nodes are needed") + lost;
  std::string line = fmt::format("{} under way, {} to follow; some {} left", spoken_count(moving, "shard"), waiting,
                                 spoken_bytes(number_at(growth, "bytes_left")));
  if (growth.contains("seconds_left")) {
    line += fmt::format(", {} at {} a second", spoken_time(number_at(growth, "seconds_left")),
                        spoken_bytes(number_at(growth, "bytes_per_second")));
  }
  return line + lost;
}

std::string metadata_line(const boost::json::object& metadata) {
  std::string line = "on drives " + numbers(array_at(metadata, "drives"));
  if (!flag_at(metadata, "full_size")) line += "; fewer than there should be";
  if (flag_at(metadata, "short_of_space")) line += "; a drive is full: what adds data is refused";
  if (flag_at(metadata, "failed")) line += "; FAILED: it takes no more changes";
  return line;
}

std::string drives_table(const boost::json::array& drives) {
  Table table({"DRIVE", "STATE", "CAPACITY", "IN USE", "LIVE", "DAMAGED", "DIRECTORY"}, {0, 2, 3, 4, 5});
  for (const auto& each : drives) {
    const auto& drive = each.as_object();
    const bool known = drive.contains("capacity_bytes");
    const auto size = [&](const char* name) { return known ? spoken_bytes(number_at(drive, name)) : std::string("-"); };
    const std::string why = text_at(drive, "why");
    table.add({std::to_string(number_at(drive, "drive")),
               text_at(drive, "state") + (flag_at(drive, "leaving") ? ", leaving" : ""), size("capacity_bytes"),
               size("allocated_bytes"), size("live_bytes"), std::to_string(number_at(drive, "damaged_records")),
               text_at(drive, "path") + (why.empty() ? "" : " (" + why + ")")});
  }
  return table.text();
}

std::string nodes_table(const boost::json::array& nodes) {
  Table table({"NODE", "STATE", "DRIVES IN", "METADATA", "ADDRESS"}, {0});
  for (const auto& each : nodes) {
    const auto& node = each.as_object();
    const std::string why = text_at(node, "why");
    table.add({std::to_string(number_at(node, "node")), text_at(node, "state"),
               fmt::format("{} of {}", number_at(node, "drives_in"), number_at(node, "drives")),
               flag_at(node, "leads")   ? "leads"
               : flag_at(node, "votes") ? "votes"
                                        : "follows",
               text_at(node, "address") + (why.empty() ? "" : " (" + why + ")")});
  }
  return table.text();
}

}  // namespace

std::string status_report(const boost::json::object& status) {
  const auto drives = array_at(status, "drives");
  std::size_t in = 0;
  for (const auto& drive : drives) in += text_at(drive.as_object(), "state") == "in" ? 1 : 0;
  std::string text =
      fmt::format("cluster   {}, erasure coding {}\n", text_at(status, "cluster"), text_at(status, "erasure"));
  text += fmt::format("drives    {} of {} in; {}\n", in, drives.size(),
                      flag_at(status, "write_quorum") ? "writes are taken" : "writes are REFUSED");
  text += fmt::format("objects   {} below full redundancy\n", number_at(status, "objects_below_full_redundancy"));
  text += "repair    " + repair_line(object_at(status, "repair")) + "\n";
  if (status.contains("growth")) text += "moving    " + growth_line(object_at(status, "growth")) + "\n";
  text += "metadata  " + metadata_line(object_at(status, "metadata")) + "\n\n";
  if (const auto nodes = array_at(status, "nodes"); !nodes.empty()) text += nodes_table(nodes) + "\n";
  return text + drives_table(drives);
}

std::string addition_report(const boost::json::object& status, const std::string& path) {
  return fmt::format("{} is one of {} now; shards move to it (firn status).\n", path,
                     spoken_count(array_at(status, "drives").size(), "drive")) +
         "Name this directory too when firnd is started next.\n";
}

std::string drain_report(const boost::json::object& status, bool undone) {
  if (undone) return "It takes data again.\n";
  return "It takes no new data, and what it holds moves away (firn status). Moving: " +
         growth_line(object_at(status, "growth")) + ".\n";
}

std::string replacement_report(const boost::json::object& status, unsigned drive, bool moved) {
  std::string path;
  for (const auto& each : array_at(status, "drives")) {
    if (number_at(each.as_object(), "drive") == drive) path = text_at(each.as_object(), "path");
  }
  std::string text =
      fmt::format("Drive {} is {} now. {} below full redundancy; repair fills it (firn status).\n", drive, path,
                  spoken_count(number_at(status, "objects_below_full_redundancy"), "object"));
  if (moved) text += "Name this directory in place of the old one when firnd is started next.\n";
  return text;
}

}  // namespace firn::cli
