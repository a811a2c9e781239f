#include "fsck.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <optional>
#include <utility>

#include "firn/volume/stripe.h"
#include "map_lookup.h"

namespace firn::server {
namespace {

constexpr std::size_t kDetailsMax = 20;
constexpr ExtentId kLastExtent{LeaseId{~std::uint64_t{0}}, ~std::uint64_t{0}};

erasure::ShardMask shards_on(const volume::StripeSet& set, DriveIndex drive) {
  erasure::ShardMask mask = 0;
  for (std::size_t shard = 0; shard < set.members.size(); ++shard) {
    if (set.members[shard] == drive) mask |= erasure::ShardMask{1} << shard;
  }
  return mask;
}

/// The records of an extent that belong on the drive, in order.
std::vector<volume::RecordKey> wanted_keys(const metadata::DegradedExtent& extent, const volume::StripeSet& set,
                                           DriveIndex drive) {
  std::vector<volume::RecordKey> keys;
  const erasure::ShardMask wanted = shards_on(set, drive) & ~extent.missing;
  const volume::StripeGeometry geometry(extent.extent_bytes, set.shape);
  for (std::uint32_t stripe = 0; wanted != 0 && stripe < geometry.stripes(); ++stripe) {
    for (std::uint8_t shard = 0; shard < set.shape.total(); ++shard) {
      if ((wanted >> shard & 1U) != 0) keys.push_back({.extent = extent.extent, .stripe = stripe, .shard = shard});
    }
  }
  return keys;
}

/// Above every record of the extent.
volume::RecordKey after_all(const ExtentId& extent) {
  return {.extent = extent, .stripe = ~std::uint32_t{0}, .shard = std::uint8_t{0xFF}};
}

Task<bool> holds(volume::DriveService& drive, volume::RecordKey key) {
  const auto found = co_await drive.read(key, {});
  if (found || found.code() == Errc::not_found || found.code() == Errc::corrupt) co_return found.has_value();
  co_return found.error();
}

std::string spelled(DriveIndex drive) { return "drive " + std::to_string(drive.value + 1); }

}  // namespace

/// The extents of one set in id order, a page at a time.
struct Fsck::SetPages {
  SetId set;
  ExtentId asked_to;  ///< All up to this one are known, or handed on.
  std::deque<metadata::DegradedExtent> page;
  bool ended = false;

  Task<> fill(metadata::Client& metadata, std::size_t limit) {
    if (ended || !page.empty()) co_return Unit{};
    CO_TRY_LET(const auto extents, co_await metadata.list_extents(set, asked_to, limit));
    page.assign(extents.begin(), extents.end());
    for (auto& extent : page) extent.set = set;
    ended = extents.size() < limit;
    asked_to = ended ? kLastExtent : page.back().extent;
    co_return Unit{};
  }
};

/// The records of one drive in order, a page at a time.
class Fsck::DriveWalk {
 public:
  DriveWalk(std::shared_ptr<volume::DriveService> service, std::size_t records_per_page)
      : service_(std::move(service)), records_per_page_(records_per_page) {}

  volume::DriveService& service() const { return *service_; }
  DriveIndex index() const { return service_->index(); }
  bool failed = false;
  std::vector<volume::RecordInfo> extra;  ///< Passed over, and not judged yet.
  std::optional<ExtentId> last_orphan;    ///< Its further records are not another orphan.

  /// The next record, null at the end.
  Task<const volume::RecordInfo*> peek() {
    if (page_.empty() && !ended_) {
      CO_TRY_LET(const auto records, co_await service_->list(after_, records_per_page_));
      page_.assign(records.begin(), records.end());
      ended_ = records.size() < records_per_page_;
      if (!page_.empty()) after_ = page_.back().key;
    }
    co_return page_.empty() ? nullptr : &page_.front();
  }
  void step() { page_.pop_front(); }

 private:
  std::shared_ptr<volume::DriveService> service_;
  const std::size_t records_per_page_;
  volume::RecordKey after_;
  std::deque<volume::RecordInfo> page_;
  bool ended_ = false;
};

void Fsck::tell(std::string line) {
  if (report_.details.size() < kDetailsMax) report_.details.push_back(std::move(line));
}

Task<FsckReport> Fsck::run() {
  const auto map = parts_.volumes.map();
  std::vector<SetPages> sets;
  for (const auto& [id, set] : map->sets) sets.push_back({.set = id, .asked_to = {}, .page = {}});
  std::vector<DriveWalk> walks;
  for (const auto& [index, entry] : map->drives) {
    auto service = parts_.drive(index);
    if (service && map->is_in(index)) {
      walks.emplace_back(std::move(service), options_.records_per_page);
    } else {
      report_.unchecked_drives.push_back(index);
    }
  }
  for (bool more = true; more;) {
    if (parts_.closing()) co_return error(Errc::cancelled, "stopping");
    Window window{.extents = {}, .end = kLastExtent, .missing = {}};
    for (SetPages& set : sets) {
      CO_TRY(co_await set.fill(parts_.metadata, options_.extents_per_page));
      window.end = std::min(window.end, set.asked_to);
    }
    for (SetPages& set : sets) {
      for (; !set.page.empty() && set.page.front().extent <= window.end; set.page.pop_front()) {
        window.extents.emplace(set.page.front().extent, set.page.front());
      }
    }
    report_.extents += window.extents.size();
    for (DriveWalk& walk : walks) {
      const auto compared = walk.failed ? Result<>() : co_await compare(walk, window);
      if (compared) continue;
      walk.failed = true;
      report_.unchecked_drives.push_back(walk.index());
      tell(spelled(walk.index()) + " can't be walked: " + std::string(to_string(compared.error().code)));
    }
    CO_TRY(co_await settle(window));
    more = window.end < kLastExtent;
  }
  co_return report_;
}

/// One drive against the window: both are in the order of record keys.
Task<> Fsck::compare(DriveWalk& walk, Window& window) {
  const auto map = parts_.volumes.map();
  for (const auto& [id, extent] : window.extents) {
    const auto* set = map->find_set(extent.set);
    if (set == nullptr) continue;
    for (const auto& key : wanted_keys(extent, *set, walk.index())) {
      CO_TRY(co_await pass_over(walk, window, key));
      CO_TRY_LET(const auto* seen, co_await walk.peek());
      if (seen != nullptr && seen->key == key) {
        walk.step();
        ++report_.records;
      } else {
        CO_TRY(co_await record_missing(walk, window, extent, key));
      }
    }
  }
  CO_TRY(co_await pass_over(walk, window, after_all(window.end)));
  co_return co_await extra_records(walk, window);
}

/// Whatever comes before `key` was not asked for.
Task<> Fsck::pass_over(DriveWalk& walk, const Window& window, const volume::RecordKey& key) {
  CO_TRY_LET(const auto* seen, co_await walk.peek());
  while (seen != nullptr && seen->key < key) {
    walk.extra.push_back(*seen);
    walk.step();
    ++report_.records;
    if (walk.extra.size() >= options_.records_per_page) CO_TRY(co_await extra_records(walk, window));
    CO_TRY_LET(seen, co_await walk.peek());
  }
  co_return Unit{};
}

/// A record that should be there was not listed. It is missing if it still should be, and still is not.
Task<> Fsck::record_missing(const DriveWalk& walk, Window& window, const metadata::DegradedExtent& extent,
                            const volume::RecordKey& key) {
  CO_TRY_LET(const bool found, co_await is_there(walk, extent.set, key));
  if (found) co_return Unit{};
  const ExtentId before{extent.extent.lease, extent.extent.counter - 1};  // Counters begin at 1.
  CO_TRY_LET(const auto held, co_await parts_.metadata.list_extents(extent.set, before, 1));
  const bool holds = !held.empty() && held.front().extent == extent.extent;
  const erasure::ShardMask shard = erasure::ShardMask{1} << key.shard;
  if (!holds || (held.front().missing & shard) != 0) co_return Unit{};
  CO_TRY_LET(const auto recorded, co_await parts_.metadata.cluster_map());
  const auto map = parts_.volumes.map();
  const auto* set = map->find_set(extent.set);
  const auto* newest = find_set(recorded, extent.set);
  // Where its places have changed since, it may be where nobody has looked.
  const bool expected = newest != nullptr && newest->epoch == set->epoch && map->is_in(walk.index()) &&
                        set->members[key.shard] == walk.index();
  if (!expected) co_return Unit{};
  ++report_.missing_records;
  window.missing[extent.extent] |= shard;
  tell("extent " + to_string(extent.extent) + " lacks shard " + std::to_string(key.shard) + " of stripe " +
       std::to_string(key.stripe) + " on " + spelled(walk.index()));
  co_return Unit{};
}

/// On the drive, or on the one that the shard moves from; where that one is out or does not answer nothing is said. It
/// is asked first: what was on it and is not any more has come to the drive before.
Task<bool> Fsck::is_there(const DriveWalk& walk, SetId set, volume::RecordKey key) {
  const auto map = parts_.volumes.map();
  if (const auto source = map->find_set(set)->moves_from(key.shard)) {
    const auto service = parts_.drive(*source);
    if (service == nullptr || !map->is_in(*source)) co_return true;
    const auto found = co_await holds(*service, key);
    if (!found || *found) co_return true;
  }
  co_return co_await holds(walk.service(), key);  // Written again, or moved, meanwhile.
}

/// Records that the window does not ask for. Those of extents that are held are on their way to be right: written by a
/// repair, or left where the extent's place was before; when the extent goes, they go.
Task<> Fsck::extra_records(DriveWalk& walk, const Window& window) {
  auto records = std::exchange(walk.extra, {});
  std::erase_if(records, [&](const auto& record) { return window.extents.contains(record.key.extent); });
  std::vector<ExtentId> extents;
  for (const auto& record : records) {
    if (extents.empty() || extents.back() != record.key.extent) extents.push_back(record.key.extent);
  }
  if (extents.empty()) co_return Unit{};
  CO_TRY_LET(const auto needed, co_await parts_.metadata.needed(extents));
  std::size_t at = 0;
  for (const auto& record : records) {
    while (extents[at] != record.key.extent) ++at;
    if (needed[at]) continue;
    // What was freed is first removed and then forgotten, perhaps since it was listed.
    const auto still = co_await walk.service().read(record.key, {});
    if (still.code() == Errc::not_found) continue;
    ++report_.orphaned_records;
    report_.orphaned_bytes += record.stored_bytes + kPageBytes;
    if (walk.last_orphan == record.key.extent) continue;
    walk.last_orphan = record.key.extent;
    ++report_.orphaned_extents;
    tell("extent " + to_string(record.key.extent) + " on " + spelled(walk.index()) + " is nobody's");
  }
  co_return Unit{};
}

/// What is missing is put on the list of repair, and counted as unreadable where too little is left.
Task<> Fsck::settle(const Window& window) {
  const auto map = parts_.volumes.map();
  std::vector<metadata::DegradedExtent> marked;
  for (const auto& [id, missing] : window.missing) {
    auto extent = window.extents.at(id);
    extent.missing = missing;
    marked.push_back(extent);
  }
  report_.missing_extents += marked.size();
  for (const auto& [id, extent] : window.extents) {
    const auto* set = map->find_set(extent.set);
    if (set == nullptr) continue;
    const auto found = window.missing.find(id);
    const erasure::ShardMask missing = found == window.missing.end() ? 0 : found->second;
    const erasure::ShardMask gone = extent.missing | missing | map->shards_out(*set);
    if (std::popcount(gone) <= set->shape.parity) continue;
    // A drive that is out may still answer, and a record be whole in other stripes: only reading tells.
    const volume::ExtentPart part{id, extent.set, extent.extent_bytes, {0, extent.extent_bytes}};
    const auto bad = co_await parts_.volumes.verify(part);
    if (bad && std::popcount(*bad) <= set->shape.parity) continue;
    std::vector<ExtentId> asked(1, id);
    CO_TRY_LET(const auto needed, co_await parts_.metadata.needed(std::move(asked)));
    if (!needed.front()) continue;
    ++report_.unreadable;
    tell("extent " + to_string(id) + " is unreadable");
  }
  if (marked.empty()) co_return Unit{};
  co_return co_await parts_.metadata.mark_missing(std::move(marked));
}

}  // namespace firn::server
