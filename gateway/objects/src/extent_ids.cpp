#include "src/extent_ids.h"

#include <algorithm>

namespace firn::objects {

namespace {

/// Names taken between two attempts to rotate when the metadata tier refused the first.
constexpr std::uint64_t kRetryAfterExtents = 1'000;

}  // namespace

ExtentIds::Ticket::Ticket(ExtentIds& ids, Lease& lease, std::uint64_t counter)
    : ids_(&ids), lease_(&lease), extent_{lease.id, counter} {}

ExtentIds::Ticket::~Ticket() {
  if (!ids_) return;
  const std::lock_guard lock(ids_->mutex_);
  --lease_->under_way;
  if (!committed_) ++lease_->abandoned;
}

ExtentIds::ExtentIds(metadata::Client& metadata, Uuid gateway, std::uint64_t extents_per_lease)
    : metadata_(metadata), gateway_(gateway), extents_per_lease_(extents_per_lease) {}

Task<> ExtentIds::start() {
  CO_TRY_LET(const LeaseId granted, co_await metadata_.register_gateway(gateway_));
  const std::lock_guard lock(mutex_);
  current_ = std::make_unique<Lease>(Lease{.id = granted});
  retry_at_ = 0;
  stopped_ = false;
  co_return Unit{};
}

void ExtentIds::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

LeaseId ExtentIds::current() const {
  const std::lock_guard lock(mutex_);
  return current_ ? current_->id : LeaseId{};
}

LeaseId ExtentIds::first_open() const {
  const std::lock_guard lock(mutex_);
  LeaseId first = current_ ? current_->id : LeaseId{};
  for (const auto& lease : draining_) first = std::min(first, lease->id);
  return first;
}

Task<ExtentIds::Ticket> ExtentIds::take() {
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || !current_) co_return error(Errc::cancelled, "no write lease");
    due = rotation_due();
  }
  // A rotation that fails changes nothing: the current lease is as good as before, and the next names try again.
  if (due) (void)co_await rotate();
  const std::lock_guard lock(mutex_);
  if (stopped_) co_return error(Errc::cancelled, "stopping");
  ++current_->under_way;
  co_return Ticket(*this, *current_, current_->next_counter++);
}

/// Under the mutex. Orphans of a drained lease are a reason of their own: the next rotation closes it.
bool ExtentIds::rotation_due() const {
  if (rotating_ || current_->next_counter <= retry_at_) return false;
  return current_->next_counter > extents_per_lease_ || current_->abandoned >= kAbandonedMax ||
         std::any_of(draining_.begin(), draining_.end(), [](const auto& l) { return !l->under_way && l->abandoned; });
}

bool ExtentIds::begin_rotation(LeaseId& closing) {
  const std::lock_guard lock(mutex_);
  const auto drained = std::find_if(draining_.begin(), draining_.end(), [](const auto& l) { return !l->under_way; });
  if (rotating_ || (drained == draining_.end() && draining_.size() >= kDrainingMax)) return false;
  rotating_ = true;
  retry_at_ = current_->next_counter + kRetryAfterExtents;
  closing = drained == draining_.end() ? LeaseId{} : (*drained)->id;
  return true;
}

Task<> ExtentIds::rotate() {
  LeaseId closing;
  if (!begin_rotation(closing)) co_return Unit{};
  auto granted = co_await metadata_.rotate_lease(gateway_, closing);
  const std::lock_guard lock(mutex_);
  rotating_ = false;
  // Not open: closed by an attempt whose answer was lost. Either way nothing more is owed for it.
  if (granted || granted.code() == Errc::stale_lease) {
    std::erase_if(draining_, [closing](const auto& l) { return l->id == closing; });
  }
  CO_TRY_LET(const LeaseId lease, std::move(granted));
  draining_.push_back(std::exchange(current_, std::make_unique<Lease>(Lease{.id = lease})));
  retry_at_ = 0;
  co_return Unit{};
}

}  // namespace firn::objects
