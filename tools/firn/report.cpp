#include "report.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "table.h"

namespace firn::cli {
namespace {

/// One indented line for each text.
std::string lines_of(const boost::json::array& texts) {
  std::string lines;
  for (const auto& text : texts) {
    if (text.is_string()) lines += "  " + std::string(text.as_string()) + "\n";
  }
  return lines;
}

}  // namespace

std::uint64_t number_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->as_uint64();
  return value->is_int64() && value->as_int64() > 0 ? static_cast<std::uint64_t>(value->as_int64()) : 0;
}

bool flag_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->as_bool();
}

std::string text_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

boost::json::object object_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->as_object() : boost::json::object();
}

boost::json::array array_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->as_array() : boost::json::array();
}

std::string usage_report(const boost::json::object& usage) {
  Table table({"BUCKET", "OBJECTS", "SIZE", "BYTES", "UPLOADS"}, {1, 2, 3, 4});
  const auto buckets = array_at(usage, "buckets");
  const auto add = [&table](const std::string& name, const boost::json::object& row, const std::string& uploads) {
    const auto bytes = number_at(row, "bytes");
    table.add({name, std::to_string(number_at(row, "objects")), spoken_bytes(bytes), std::to_string(bytes), uploads});
  };
  for (const auto& bucket : buckets) {
    const auto& row = bucket.as_object();
    add(text_at(row, "bucket"), row, std::to_string(number_at(row, "uploads")));
  }
  if (buckets.size() != 1) add("total", usage, "");
  return table.text();
}

std::string scrub_report(const boost::json::object& scrub) {
  Table table({"DRIVE", "RECORDS", "READ", "DAMAGED", ""}, {0, 1, 2, 3});
  for (const auto& drive : array_at(scrub, "drives")) {
    const auto& row = drive.as_object();
    table.add({std::to_string(number_at(row, "drive")), std::to_string(number_at(row, "records")),
               spoken_bytes(number_at(row, "bytes")), std::to_string(number_at(row, "damaged")),
               text_at(row, "error")});
  }
  const auto damaged = number_at(scrub, "damaged");
  return table.text() + (damaged == 0 ? "No damage.\n"
                                      : spoken_count(damaged, "damaged record") +
                                            " found; repair rebuilds them from the other drives (firn status).\n");
}

std::string verify_report(const boost::json::object& verify) {
  const auto metadata = object_at(verify, "metadata");
  const auto extents = object_at(verify, "extents");
  std::string text =
      fmt::format("metadata  {}, {}, {} contradictory\n", spoken_count(number_at(metadata, "rows"), "row"),
                  spoken_count(number_at(metadata, "objects"), "object"), number_at(metadata, "problems"));
  text += lines_of(array_at(metadata, "details"));
  if (const auto repaired = number_at(metadata, "copies_repaired"); repaired > 0) {
    text += fmt::format("  {} of its files put right from another drive's\n", spoken_count(repaired, "copy"));
  }
  text += fmt::format("extents   {}, {}; {} damaged, {} unreadable\n",
                      spoken_count(number_at(extents, "checked"), "extent"), spoken_bytes(number_at(extents, "bytes")),
                      number_at(extents, "damaged"), number_at(extents, "unreadable"));
  text += lines_of(array_at(extents, "details"));
  if (const auto count = number_at(extents, "short_of_a_drive"); count > 0) {
    text += fmt::format("  {} with a shard on a drive that is out\n", spoken_count(count, "extent"));
  }
  const auto problems = number_at(verify, "problems");
  return text + (problems == 0 ? "Sound.\n" : spoken_count(problems, "problem") + " found.\n");
}

std::string fsck_report(const boost::json::object& fsck) {
  const auto missing = object_at(fsck, "missing");
  const auto orphaned = object_at(fsck, "orphaned");
  std::string text =
      fmt::format("compared    {} in metadata with {} on drives\n", spoken_count(number_at(fsck, "extents"), "extent"),
                  spoken_count(number_at(fsck, "records"), "record"));
  text +=
      fmt::format("missing     {} of {}; repair rebuilds them\n", spoken_count(number_at(missing, "records"), "record"),
                  spoken_count(number_at(missing, "extents"), "extent"));
  text += fmt::format("unreadable  {}\n", spoken_count(number_at(object_at(fsck, "unreadable"), "extents"), "extent"));
  text +=
      fmt::format("orphaned    {}, {}; the orphan sweep removes them\n",
                  spoken_count(number_at(orphaned, "records"), "record"), spoken_bytes(number_at(orphaned, "bytes")));
  text += lines_of(array_at(fsck, "details"));
  for (const auto& drive : array_at(fsck, "unchecked_drives")) {
    text += fmt::format("  drive {} was not compared: it is out, or can't be reached\n", drive.to_number<unsigned>());
  }
  const auto problems = number_at(fsck, "problems");
  return text + (problems == 0 ? "Sound.\n" : spoken_count(problems, "problem") + " found.\n");
}

std::string backup_report(const boost::json::object& backup) {
  return fmt::format("{} written: {}\n", text_at(backup, "file"), spoken_bytes(number_at(backup, "bytes")));
}

std::string forced_report(const boost::json::object& forced) {
  const auto node = number_at(forced, "node");
  std::string voters;
  for (const auto& voter : forced.at("voters_before").as_array()) {
    voters += (voters.empty() ? "" : ", ") + std::to_string(voter.to_number<std::uint64_t>());
  }
  std::string text = fmt::format(
      "Node {} has the metadata up to entry {}, and knows that those up to {} were acknowledged. Voting: {}.\n", node,
      number_at(forced, "last_entry"), number_at(forced, "known_committed"), voters);
  if (!forced.at("forced").as_bool()) {
    return text +
           "NOTHING WAS CHANGED. Look at all nodes that are left, and take the one with the highest last entry.\n"
           "What was acknowledged and never reached that one is lost for good. On it: the same command with "
           "--accept-loss.\n";
  }
  return text + fmt::format(
                    "NODE {0} IS THE ONLY ONE THAT VOTES NOW. What was acknowledged and never reached it is lost.\n"
                    "Before any other node of the cluster starts again, move DRIVE/meta away on each of its drives: it "
                    "gets the metadata\nfrom node {0}. A node with metadata of before must never be started again.\n",
                    node);
}

std::string became_report(const boost::json::object& became) {
  if (flag_at(became, "undone")) return "The machine is a single one again. Start firnd as before.\n";
  const auto node = number_at(became, "node");
  return fmt::format(
      "Node {0} of {1} has what this machine had: cluster {2}, {3}.\n"
      "Start the others with --nodes and empty drives, then this one: they join it, and until enough have, uploads of\n"
      "more than 16 KiB are told 503. Until the shards have moved (firn status), all objects are on node {0} alone.\n"
      "Back, until node {0} has started: the same command with --undo.\n",
      node, number_at(became, "nodes"), text_at(became, "cluster"), spoken_count(number_at(became, "drives"), "drive"));
}

std::string restore_report(const boost::json::object& restored) {
  std::string text = fmt::format("The metadata of cluster {} is on {} again.\n", text_at(restored, "cluster"),
                                 spoken_count(number_at(restored, "drives"), "drive"));
  if (const auto empty = number_at(restored, "drives_without_data"); empty > 0) {
    text += fmt::format("{} new: the data they should hold is rebuilt from the others, if those suffice.\n",
                        empty == 1 ? "1 drive is" : std::to_string(empty) + " drives are");
  }
  if (const auto node = number_at(restored, "node"); node > 0) {
    text += fmt::format("Start node {} now; the others, whose metadata must be gone, join it.\n", node);
  }
  return text + "Start firnd, then run firn verify: it tells which objects' data is not there.\n";
}

}  // namespace firn::cli
