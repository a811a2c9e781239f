#include "maintenance/orphan_sweeper.h"

#include <charconv>
#include <map>

#include "firn/base/log.h"

namespace firn::objects {

namespace {

/// Where the lease below which a drive was swept is kept, in the metadata tier's configuration.
std::string swept_name(DriveIndex drive) { return "sweep/" + std::to_string(drive.value); }

/// The first record key of a lease.
volume::RecordKey before_lease(LeaseId lease) {
  if (lease.value == 0) return {};
  return {.extent = {.lease = LeaseId{lease.value - 1}, .counter = ~std::uint64_t{0}}, .stripe = ~0U, .shard = 0xFF};
}

}  // namespace

OrphanSweeper::OrphanSweeper(MaintenanceContext context, LeaseId current_lease)
    : context_(std::move(context)),
      current_lease_(current_lease),
      loop_(context_.runtime.io(0), [this] { return step(); }) {
  if (const auto map = context_.volumes.map()) {
    for (const auto& [index, drive] : map->drives) pending_.push_back(index);
  }
}

void OrphanSweeper::sweep_whole(DriveIndex drive) {
  boost::asio::post(context_.runtime.io(0), [this, drive] {
    whole_.insert(drive);
    pending_.push_back(drive);
    loop_.poke();
  });
}

boost::asio::awaitable<BackgroundLoop::Outcome> OrphanSweeper::step() {
  std::vector<DriveIndex> later;
  while (!pending_.empty() && !loop_.stopping()) {
    const DriveIndex drive = pending_.back();
    pending_.pop_back();
    if (const auto swept = co_await sweep(drive); !swept) {
      log::warn("orphan sweep of drive {}: {} {}", drive.value, to_string(swept.error().code), swept.error().detail);
      later.push_back(drive);
    }
  }
  pending_.insert(pending_.end(), later.begin(), later.end());
  co_return BackgroundLoop::Outcome::idle;
}

Task<LeaseId> OrphanSweeper::swept_below(DriveIndex drive) {
  auto recorded = co_await context_.metadata.find_config(swept_name(drive));
  if (recorded.code() == Errc::not_found) co_return LeaseId{0};
  CO_TRY_LET(const std::string text, std::move(recorded));
  LeaseId lease;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), lease.value);
  if (parsed.ec != std::errc{}) co_return error(Errc::corrupt, swept_name(drive) + " holds no number");
  co_return lease;
}

Task<> OrphanSweeper::sweep(DriveIndex drive) {
  const auto service = context_.drive(drive);
  const auto map = context_.volumes.map();
  if (!service || !map || !map->is_in(drive)) co_return Unit{};  // Swept whole when it returns.
  LeaseId from;
  if (!whole_.contains(drive)) {
    CO_TRY_LET(from, co_await swept_below(drive));
  }
  auto after = before_lease(from);
  while (!loop_.stopping()) {
    CO_TRY_LET(const auto records, co_await service->list(after, kRecordsPerList));
    std::map<SetId, std::vector<ExtentId>> by_set;
    bool beyond = false;
    for (const auto& record : records) {
      after = record.key;
      if ((beyond = record.key.extent.lease >= current_lease_)) break;
      auto& extents = by_set[record.set];
      if (extents.empty() || extents.back() != record.key.extent) extents.push_back(record.key.extent);
    }
    for (auto& [set, extents] : by_set) CO_TRY(co_await remove_orphans(set, std::move(extents)));
    if (beyond || records.size() < kRecordsPerList) {
      whole_.erase(drive);
      co_return co_await context_.metadata.put_config(swept_name(drive), std::to_string(current_lease_.value));
    }
  }
  co_return error(Errc::cancelled, "stopping");
}

Task<> OrphanSweeper::remove_orphans(SetId set, std::vector<ExtentId> extents) {
  CO_TRY_LET(const auto needed, co_await context_.metadata.needed(extents));
  std::vector<ExtentId> orphans;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (!needed[i]) orphans.push_back(extents[i]);
  }
  if (orphans.empty()) co_return Unit{};
  log::info("orphan sweep: {} extents without a holder in set {}", orphans.size(), set.value);
  co_return co_await context_.volumes.remove(set, std::move(orphans));
}

}  // namespace firn::objects
