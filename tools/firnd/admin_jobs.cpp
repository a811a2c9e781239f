#include <bit>
#include <boost/json/array.hpp>

#include "admin.h"
#include "fsck.h"
#include "gather.h"

namespace firn::server {
namespace {

/// Extents listed at once; each is read whole, so the list is no cost.
constexpr std::size_t kBatch = 100;

/// Extents whose damage is told one by one.
constexpr std::size_t kDetailsMax = 20;

struct ExtentsVerified {
  std::uint64_t extents = 0;
  std::uint64_t bytes = 0;
  std::uint64_t damaged = 0;     ///< At least one shard bad or missing on a drive that is in; recorded for repair.
  std::uint64_t unreadable = 0;  ///< Fewer than k good shards.
  std::uint64_t short_of_a_drive = 0;  ///< A shard belongs on a drive that is out.
  boost::json::array details;
};

std::string spelled(const metadata::DegradedExtent& extent, erasure::ShardMask bad, int shards) {
  std::string text = "extent " + to_string(extent.extent) + " of set " + std::to_string(extent.set.value) + ": ";
  text += std::popcount(bad) == shards ? "all shards" : "shards";
  for (int shard = 0; shard < shards && std::popcount(bad) != shards; ++shard) {
    if ((bad >> shard & 1U) != 0) text += " " + std::to_string(shard);
  }
  return text + " bad or missing";
}

/// The shards that are bad; none when nobody needs the extent any more.
Task<erasure::ShardMask> bad_shards(Storage& storage, const metadata::DegradedExtent& extent, int shards) {
  const volume::ExtentPart part{extent.extent, extent.set, extent.extent_bytes, {0, extent.extent_bytes}};
  const auto bad = co_await storage.volumes().verify(part);
  if (bad.code() != Errc::not_found) co_return bad;
  std::vector<ExtentId> asked(1, extent.extent);
  CO_TRY_LET(const auto needed, co_await storage.metadata().needed(std::move(asked)));
  co_return needed[0] ? (erasure::ShardMask{1} << shards) - 1 : 0;
}

/// One extent's shards against each other. What is bad is recorded, so that repair does it. A drive that is out is
/// counted by that: recording its shards too would rebuild all of it when it comes back.
Task<> verify_extent(Storage& storage, metadata::DegradedExtent extent, ExtentsVerified& verified) {
  const auto map = storage.volumes().map();
  const auto* set = map->find_set(extent.set);
  if (set == nullptr) co_return error(Errc::internal, "an extent of a set that is not in the map");
  const int shards = set->shape.total();
  CO_TRY_LET(const auto bad, co_await bad_shards(storage, extent, shards));
  ++verified.extents;
  verified.bytes += extent.extent_bytes;
  const erasure::ShardMask out = map->shards_out(*set);
  const erasure::ShardMask damaged = bad & ~out;
  verified.short_of_a_drive += out != 0 ? 1 : 0;
  if (shards - std::popcount(bad) < set->shape.data) {
    ++verified.unreadable;
  } else if (damaged != 0) {
    ++verified.damaged;
  }
  if (damaged == 0) co_return Unit{};
  if (verified.details.size() < kDetailsMax) verified.details.emplace_back(spelled(extent, damaged, shards));
  extent.missing = damaged;
  std::vector<metadata::DegradedExtent> one;
  one.push_back(extent);
  co_return co_await storage.metadata().mark_missing(std::move(one));
}

Task<ExtentsVerified> verify_extents(Storage& storage) {
  ExtentsVerified verified;
  const auto map = storage.volumes().map();
  for (const auto& [id, set] : map->sets) {
    ExtentId after;
    for (;;) {
      CO_TRY_LET(const auto extents, co_await storage.metadata().list_extents(id, after, kBatch));
      for (const auto& extent : extents) {
        if (storage.closing()) co_return error(Errc::cancelled, "stopping");
        CO_TRY(co_await verify_extent(storage, extent, verified));
        after = extent.extent;
      }
      if (extents.size() < kBatch) break;
    }
  }
  co_return verified;
}

}  // namespace

Task<boost::json::object> Admin::scrub(std::uint64_t bytes_per_second) {
  std::vector<Task<volume::ScrubReport>> tasks;
  std::vector<DriveIndex> scrubbed;
  const Drives drives = storage_.drives();
  for (const auto& [index, drive] : drives) {
    tasks.push_back(drive->scrub(bytes_per_second));
    scrubbed.push_back(index);
  }
  const auto reports = co_await gather(storage_.runtime(), std::move(tasks));
  boost::json::array rows;
  std::uint64_t damaged = 0;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    boost::json::object row{{"drive", scrubbed[i].value + std::uint64_t{1}}};
    if (reports[i]) {
      row["records"] = reports[i]->records;
      row["bytes"] = reports[i]->bytes;
      row["damaged"] = reports[i]->damaged;
      damaged += reports[i]->damaged;
    } else {
      row["error"] = std::string(to_string(reports[i].error().code));
    }
    rows.push_back(std::move(row));
  }
  co_return boost::json::object{{"damaged", damaged}, {"drives", std::move(rows)}};
}

Task<boost::json::object> Admin::verify() {
  CO_TRY_LET(const auto metadata, co_await storage_.node().verify());
  CO_TRY_LET(auto extents, co_await verify_extents(storage_));
  boost::json::array details;
  for (const auto& line : metadata.details) details.emplace_back(line);
  co_return boost::json::object{{"problems", metadata.problems + extents.damaged + extents.unreadable},
                                {"metadata",
                                 {{"rows", metadata.rows},
                                  {"objects", metadata.objects},
                                  {"parts", metadata.parts},
                                  {"problems", metadata.problems},
                                  {"copies_repaired", metadata.copies_repaired},
                                  {"details", std::move(details)}}},
                                {"extents",
                                 {{"checked", extents.extents},
                                  {"bytes", extents.bytes},
                                  {"damaged", extents.damaged},
                                  {"unreadable", extents.unreadable},
                                  {"short_of_a_drive", extents.short_of_a_drive},
                                  {"details", std::move(extents.details)}}}};
}

Task<boost::json::object> Admin::fsck() {
  Fsck fsck({.metadata = storage_.metadata(),
             .volumes = storage_.volumes(),
             .drive = [this](DriveIndex drive) { return storage_.find_service(drive); },
             .closing = [this] { return storage_.closing(); }},
            {});
  CO_TRY_LET(const auto report, co_await fsck.run());
  boost::json::array details, unchecked;
  for (const auto& line : report.details) details.emplace_back(line);
  for (const auto drive : report.unchecked_drives) unchecked.emplace_back(drive.value + std::uint64_t{1});
  co_return boost::json::object{
      {"problems", report.missing_extents + report.unreadable},
      {"extents", report.extents},
      {"records", report.records},
      {"missing", {{"extents", report.missing_extents}, {"records", report.missing_records}}},
      {"unreadable", {{"extents", report.unreadable}}},
      {"orphaned",
       {{"extents", report.orphaned_extents}, {"records", report.orphaned_records}, {"bytes", report.orphaned_bytes}}},
      {"unchecked_drives", std::move(unchecked)},
      {"details", std::move(details)}};
}

Task<boost::json::object> Admin::backup(std::string file) {
  if (auto written = co_await storage_.node().backup(file); !written) {
    if (written.code() == Errc::already_exists)
      co_return client_error(Errc::already_exists, file + " is there already");
    co_return std::move(written).error();
  }
  std::error_code ignored;
  co_return boost::json::object{{"file", file}, {"bytes", std::filesystem::file_size(file, ignored)}};
}

}  // namespace firn::server
