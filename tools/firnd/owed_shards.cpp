#include "owed_shards.h"

#include "firn/erasure/codec.h"
#include "firn/objects/maintenance.h"

namespace firn::server {
namespace {

/// One list and one command: enough to share a flush, little enough not to hold up clients' commits.
constexpr std::size_t kBatch = 1'000;

erasure::ShardMask shards_on(const metadata::SetRecord& set, DriveIndex drive) {
  erasure::ShardMask mask = 0;
  for (std::size_t shard = 0; shard < set.members.size(); ++shard) {
    if (set.members[shard] == drive) mask |= erasure::ShardMask{1} << shard;
  }
  for (const auto& move : set.moves) {
    if (!move.done && move.from == drive) mask |= erasure::ShardMask{1} << move.shard;
  }
  return mask;
}

Task<> record_owed(metadata::Client& metadata, SetId set, erasure::ShardMask owed) {
  ExtentId after;
  bool more = owed != 0;
  while (more) {
    CO_TRY_LET(auto extents, co_await metadata.list_extents(set, after, kBatch));
    more = extents.size() == kBatch;
    if (extents.empty()) break;
    after = extents.back().extent;
    for (auto& extent : extents) extent.missing = owed;
    CO_TRY(co_await metadata.mark_missing(std::move(extents)));
  }
  co_return Unit{};
}

}  // namespace

std::string replacement_entry(DriveIndex drive) { return "replacement/" + std::to_string(drive.value); }

Task<bool> owes_its_list(metadata::Client& metadata, const metadata::DriveRecord& drive) {
  auto entry = co_await metadata.find_config(replacement_entry(drive.index));
  if (!entry && entry.error().code != Errc::not_found) co_return std::move(entry).error();
  co_return entry && *entry == to_string(drive.uuid);
}

Task<> record_owed_shards(metadata::Client& metadata, const metadata::MapRecord& map, DriveIndex drive) {
  for (const auto& set : map.sets) CO_TRY(co_await record_owed(metadata, set.id, shards_on(set, drive)));
  co_return Unit{};
}

Task<> record_owed_shard(metadata::Client& metadata, SetId set, std::uint8_t shard) {
  co_return co_await record_owed(metadata, set, erasure::ShardMask{1} << shard);
}

Task<> record_owed_record(metadata::Client& metadata, SetId set, const volume::RecordKey& record) {
  std::vector<metadata::DegradedExtent> extents(1);
  extents[0].extent = record.extent;
  extents[0].set = set;
  extents[0].missing = erasure::ShardMask{1} << record.shard;
  co_return co_await metadata.mark_missing(std::move(extents));
}

Task<FoundDrives> note_found_drives(metadata::Client& metadata, const metadata::MapRecord& map,
                                    const std::map<DriveIndex, Uuid>& found) {
  FoundDrives drives;
  for (const auto& recorded : map.drives) {
    const auto drive = found.find(recorded.index);
    if (drive == found.end()) continue;
    const Uuid uuid = drive->second;
    if (recorded.out) drives.returned.push_back(recorded.index);
    if (recorded.out || uuid != recorded.uuid) {
      // It was not told what was freed meanwhile.
      CO_TRY(co_await objects::sweep_again_from(metadata, recorded.index, LeaseId{0}));
    }
    if (uuid != recorded.uuid) {
      CO_TRY(co_await metadata.put_config(replacement_entry(recorded.index), to_string(uuid)));
      drives.replacements.push_back(recorded.index);
      continue;
    }
    if (!recorded.out) continue;
    CO_TRY_LET(const bool owes, co_await owes_its_list(metadata, recorded));
    if (owes) drives.replacements.push_back(recorded.index);
  }
  co_return drives;
}

Task<> settle_replacement(metadata::Client& metadata, DriveIndex drive) {
  CO_TRY_LET(const auto map, co_await metadata.cluster_map());
  CO_TRY(co_await record_owed_shards(metadata, map, drive));
  co_return co_await metadata.put_config(replacement_entry(drive), {});
}

}  // namespace firn::server
