#include "maintenance/orphan_sweeper.h"

#include <charconv>

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

/// 0 when nothing is recorded: the drive was never swept, or is to be swept again.
Task<LeaseId> swept_below(metadata::Client& metadata, DriveIndex drive) {
  auto recorded = co_await metadata.find_config(swept_name(drive));
  if (recorded.code() == Errc::not_found) co_return LeaseId{0};
  CO_TRY_LET(const std::string text, std::move(recorded));
  LeaseId lease;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), lease.value);
  if (parsed.ec != std::errc{}) co_return error(Errc::corrupt, swept_name(drive) + " holds no number");
  co_return lease;
}

}  // namespace

Task<> sweep_again_from(metadata::Client& metadata, DriveIndex drive, LeaseId from) {
  CO_TRY_LET(const LeaseId swept, co_await swept_below(metadata, drive));
  if (swept <= from) co_return Unit{};
  const std::string value = from.value == 0 ? std::string() : std::to_string(from.value);  // Empty: no entry.
  co_return co_await metadata.put_config(swept_name(drive), value);
}

OrphanSweeper::OrphanSweeper(MaintenanceContext context, std::size_t records_per_list)
    : context_(std::move(context)),
      records_per_list_(records_per_list),
      loop_(context_.runtime.io(0), [this] { return step(); }) {}

Task<> OrphanSweeper::sweep_again(DriveIndex drive) {
  // First, so that a walk under way does not record its end after this.
  progress_[drive] = {.again = progress_[drive].again + 1};
  // Whatever is recorded now: a walk that just ended may have its record on the way.
  co_return co_await context_.metadata.put_config(swept_name(drive), {});
}

boost::asio::awaitable<BackgroundLoop::Outcome> OrphanSweeper::step() {
  const auto map = context_.volumes.map();
  if (!map) co_return BackgroundLoop::Outcome::idle;
  const LeaseId end = context_.first_open_lease();
  for (const auto& [drive, entry] : map->drives) {
    if (loop_.stopping()) break;
    if (const auto swept = co_await sweep(drive, end); !swept && swept.error().code != Errc::cancelled) {
      log::warn("orphan sweep of drive {}: {} {}", drive.value, to_string(swept.error().code), swept.error().detail);
    }
  }
  co_return BackgroundLoop::Outcome::idle;
}

Task<> OrphanSweeper::sweep(DriveIndex drive, LeaseId end) {
  const auto service = context_.drive(drive);
  const auto map = context_.volumes.map();
  if (!service || !map->is_in(drive)) co_return Unit{};  // Swept whole when it returns.
  const Progress before = progress_[drive];
  if (before.swept_below >= end) co_return Unit{};
  CO_TRY_LET(const LeaseId from, co_await swept_below(context_.metadata, drive));
  auto after = before_lease(from);
  for (bool done = from >= end; !done;) {
    if (loop_.stopping()) co_return error(Errc::cancelled, "stopping");
    CO_TRY_LET(done, co_await sweep_page(*service, after, end));
  }
  if (progress_[drive].again != before.again) co_return Unit{};  // All of it is walked next.
  if (from < end) CO_TRY(co_await context_.metadata.put_config(swept_name(drive), std::to_string(end.value)));
  if (progress_[drive].again == before.again) progress_[drive].swept_below = end;
  co_return Unit{};
}

Task<bool> OrphanSweeper::sweep_page(volume::DriveService& service, volume::RecordKey& after, LeaseId end) {
  CO_TRY_LET(const auto records, co_await service.list(after, records_per_list_));
  std::vector<ExtentId> extents;
  bool beyond = false;
  for (const auto& record : records) {
    after = record.key;
    if ((beyond = record.key.extent.lease >= end)) break;
    if (extents.empty() || extents.back() != record.key.extent) extents.push_back(record.key.extent);
  }
  if (!extents.empty()) CO_TRY(co_await remove_orphans(service, std::move(extents)));
  co_return beyond || records.size() < records_per_list_;
}

/// From this drive alone: the others are walked as well, and which they were need not be known any more.
Task<> OrphanSweeper::remove_orphans(volume::DriveService& service, std::vector<ExtentId> extents) {
  CO_TRY_LET(const auto needed, co_await context_.metadata.needed(extents));
  std::vector<ExtentId> orphans;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (!needed[i]) orphans.push_back(extents[i]);
  }
  if (orphans.empty()) co_return Unit{};
  log::info("orphan sweep of drive {}: {} extents without a holder", service.index().value, orphans.size());
  CO_TRY(co_await service.remove(std::move(orphans)));
  co_return co_await service.sync_index();
}

}  // namespace firn::objects
