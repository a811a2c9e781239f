#include <algorithm>
#include <boost/json/array.hpp>

#include "admin.h"
#include "gather.h"

namespace firn::server {
namespace {

/// Extents listed at once; each is read whole, so the list is no cost.
constexpr std::size_t kBatch = 100;

struct ExtentsVerified {
  std::uint64_t extents = 0;
  std::uint64_t bytes = 0;
  std::uint64_t damaged = 0;     ///< At least one shard bad or missing; recorded for repair.
  std::uint64_t unreadable = 0;  ///< Fewer than k good shards.
};

/// One extent's shards against each other. What is bad is recorded, so that repair does it.
Task<> verify_extent(Storage& storage, metadata::DegradedExtent extent, ExtentsVerified& verified) {
  const volume::ExtentPart part{extent.extent, extent.set, extent.extent_bytes, {0, extent.extent_bytes}};
  const auto bad = co_await storage.volumes().verify(part);
  if (bad.code() == Errc::not_found) {
    std::vector<ExtentId> asked(1, extent.extent);
    CO_TRY_LET(const auto needed, co_await storage.metadata().needed(std::move(asked)));
    if (!needed[0]) co_return Unit{};  // Deleted meanwhile.
  }
  ++verified.extents;
  verified.bytes += extent.extent_bytes;
  if (!bad) {
    ++verified.unreadable;
    co_return Unit{};
  }
  if (*bad == 0) co_return Unit{};
  ++verified.damaged;
  extent.missing = *bad;
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
  CO_TRY_LET(const auto extents, co_await verify_extents(storage_));
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
                                  {"unreadable", extents.unreadable}}}};
}

Task<boost::json::object> Admin::backup(std::string file) {
  CO_TRY(co_await storage_.node().backup(file));
  std::error_code ignored;
  co_return boost::json::object{{"file", file}, {"bytes", std::filesystem::file_size(file, ignored)}};
}

}  // namespace firn::server
