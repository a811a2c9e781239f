#include "owed_shards.h"

#include "firn/erasure/codec.h"

namespace firn::server {
namespace {

/// One list and one command: enough to share a flush, little enough not to hold up clients' commits.
constexpr std::size_t kBatch = 1'000;

erasure::ShardMask shards_on(const metadata::SetRecord& set, DriveIndex drive) {
  erasure::ShardMask mask = 0;
  for (std::size_t shard = 0; shard < set.members.size(); ++shard) {
    if (set.members[shard] == drive) mask |= erasure::ShardMask{1} << shard;
  }
  return mask;
}

}  // namespace

std::string replacement_entry(DriveIndex drive) { return "replacement/" + std::to_string(drive.value); }

Task<> record_owed_shards(metadata::Client& metadata, const metadata::MapRecord& map, DriveIndex drive) {
  for (const auto& set : map.sets) {
    const auto owed = shards_on(set, drive);
    ExtentId after;
    bool more = owed != 0;
    while (more) {
      CO_TRY_LET(auto extents, co_await metadata.list_extents(set.id, after, kBatch));
      more = extents.size() == kBatch;
      if (extents.empty()) break;
      after = extents.back().extent;
      for (auto& extent : extents) extent.missing = owed;
      CO_TRY(co_await metadata.mark_missing(std::move(extents)));
    }
  }
  co_return Unit{};
}

}  // namespace firn::server
