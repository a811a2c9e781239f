#include "flight.h"

#include <algorithm>
#include <bit>
#include <boost/asio/co_spawn.hpp>
#include <boost/container/static_vector.hpp>
#include <string>

#include "firn/base/assert.h"

namespace firn::volume {

namespace {

/// Failures that say nothing against the drive.
bool drive_is_to_blame(Errc code) {
  return code != Errc::drive_full && code != Errc::stale_epoch && code != Errc::cancelled && code != Errc::slow_down;
}

}  // namespace

Flight::Flight(std::shared_ptr<Core> core, std::shared_ptr<const View> start, const Extent& extent)
    : core_(std::move(core)), start_(std::move(start)), extent_(extent) {
  const StripeSet& set = *start_->find_set(extent_.set);
  std::ranges::copy(set.members, drives_.begin());
  lost_ = start_->map().shards_out(set);
  fenced_ = lost_;
}

void Flight::spawn(boost::asio::awaitable<void> child) {
  ++under_way_;
  boost::asio::co_spawn(core_->executor(), std::move(child), [self = shared_from_this()](std::exception_ptr thrown) {
    if (thrown && !self->failure_) self->failure_ = error(Errc::internal, "an append or sync was thrown out of");
    --self->under_way_;
    self->changed_.signal();
  });
}

void Flight::start_append(std::shared_ptr<RecordMemory> record, RecordPlace place, After after) {
  if (lost_ & shard_bit(place.shard)) return let_go(std::move(record));
  appending_bytes_ += record->bytes.size();
  spawn(append(shared_from_this(), std::move(record), place, after));
}

boost::asio::awaitable<void> Flight::append(std::shared_ptr<Flight> self, std::shared_ptr<RecordMemory> record,
                                            RecordPlace place, After after) {
  const auto bytes = record->bytes.size();
  const auto appended = co_await self->try_append(*record, place);
  self->appending_bytes_ -= bytes;
  self->let_go(std::move(record));
  if (!appended) {
    const auto& onward = self->onward_[place.shard];
    self->lose(shard_bit(place.shard), onward ? onward->drive : self->drives_[place.shard], appended.error());
  } else if (after == After::sync) {
    co_await sync(self, appended->drive, appended->service, shard_bit(place.shard));
  }
}

Task<Flight::Target> Flight::try_append(RecordMemory& record, RecordPlace place) {
  CO_TRY_LET(Target to, target(place.shard));
  Result<> appended = co_await to.service->append(append_request(record, extent_, place, to.epoch));
  if (appended.code() == Errc::stale_epoch) {
    const bool newer = co_await newer_epoch(to.epoch);
    if (!newer) co_return appended.error();
    CO_TRY_LET(to, target(place.shard));
    appended = co_await to.service->append(append_request(record, extent_, place, to.epoch));
  }
  CO_TRY(appended);
  epoch_ = epoch_ ? std::min(*epoch_, to.epoch) : to.epoch;
  co_return to;
}

boost::asio::awaitable<bool> Flight::newer_epoch(SetEpoch epoch) {
  const auto deadline = std::chrono::steady_clock::now() + core_->options().fence_wait;
  for (;;) {
    const auto view = core_->view();
    const StripeSet* set = view->find_set(extent_.set);
    if (set && set->epoch > epoch) co_return true;
    const bool newer = co_await core_->wait_for_map(view->map().version, deadline);
    if (!newer) co_return false;
  }
}

Result<Flight::Target> Flight::target(std::uint8_t shard) {
  const View& view = *core_->view();
  auto& onward = onward_[shard];
  if (!onward && place_has_moved(view, shard))
    onward = Onward{core_->view(), view.find_set(extent_.set)->members[shard]};
  if (onward && onward->service() && counts(view, shard)) {
    return Target{onward->service(), view.find_set(extent_.set)->epoch, onward->drive};
  }
  if (!place_is_in(view, shard)) {
    fenced_ |= shard_bit(shard);
    return error(Errc::stale_epoch, "fenced, or its place has moved");  // No fault of the drive.
  }
  DriveService* service = start_->service(drives_[shard]);
  if (!service) return error(Errc::drive_out, "absent");
  begun_ |= shard_bit(shard);
  return Target{service, view.find_set(extent_.set)->epoch, drives_[shard]};
}

bool Flight::place_is_in(const View& view, std::uint8_t shard) const {
  const StripeSet* set = view.find_set(extent_.set);
  const DriveIndex drive = drives_[shard];
  if (!set || set->shape != extent_.shape || set->members[shard] != drive || !view.map().is_in(drive)) return false;
  // Another drive in the same place has another identity.
  const auto then = start_->map().drives.find(drive);
  return then != start_->map().drives.end() && view.map().drives.find(drive)->second.uuid == then->second.uuid;
}

bool Flight::place_has_moved(const View& view, std::uint8_t shard) const {
  const StripeSet* set = view.find_set(extent_.set);
  const Move* move = set && set->shape == extent_.shape ? set->find_move(shard) : nullptr;
  if (move == nullptr || move->from != drives_[shard] || !view.map().is_in(set->members[shard])) return false;
  const auto then = start_->map().drives.find(move->from);
  if (then == start_->map().drives.end() || then->second.uuid != move->from_uuid) return false;
  if (onward_[shard] && onward_[shard]->drive != set->members[shard]) return false;
  return move->done || view.map().is_in(move->from);
}

void Flight::start_syncs(erasure::ShardMask shards) {
  struct Sync {
    DriveService* service;
    DriveIndex drive;
    erasure::ShardMask shards;
  };
  boost::container::static_vector<Sync, 2 * kShardsMax> syncs;
  const auto add = [&syncs](DriveIndex drive, DriveService* service, std::uint8_t shard) {
    auto found = std::ranges::find(syncs, service, &Sync::service);
    if (found == syncs.end()) found = syncs.insert(found, {service, drive, 0});
    found->shards |= shard_bit(shard);
  };
  const StripeSet& set = *start_->find_set(extent_.set);
  for (std::uint8_t shard = 0; shard < extent_.shape.total(); ++shard) {
    if (!(shards & ~lost_ & shard_bit(shard))) continue;
    const auto& onward = onward_[shard];
    const bool begun = begun_ & shard_bit(shard);
    if (begun) add(drives_[shard], start_->service(drives_[shard]), shard);
    if (onward) add(onward->drive, onward->service(), shard);
    if (begun || onward) continue;
    // Nothing was sent: its records were there before, wherever they are read.
    const auto sources = start_->sources(set, shard);
    for (const DriveIndex drive : sources) add(drive, start_->service(drive), shard);
    if (sources.empty()) lost_ |= shard_bit(shard);
  }
  for (const Sync& of : syncs) spawn(sync(shared_from_this(), of.drive, of.service, of.shards));
}

boost::asio::awaitable<void> Flight::sync(std::shared_ptr<Flight> self, DriveIndex drive, DriveService* service,
                                          erasure::ShardMask shards) {
  const Result<> synced = co_await service->sync();
  if (!synced) self->lose(shards, drive, synced.error());
}

void Flight::lose(erasure::ShardMask shards, DriveIndex drive, const Error& failure) {
  lost_ |= shards;
  if (failure.code == Errc::drive_full) {
    core_->set_is_full(extent_.set);
    if (!failure_) failure_ = error(Errc::insufficient_storage, "drive " + std::to_string(drive.value) + " is full");
  } else if (drive_is_to_blame(failure.code)) {
    core_->drive_failed(drive, failure);
  }
}

void Flight::hold(Admission::Reservation stripe, std::size_t records) {
  stripe_reservation_ = std::move(stripe);
  stripe_records_ = records;
}

void Flight::let_go(std::shared_ptr<RecordMemory> record) {
  if (record.use_count() > 1) return;
  if (!record->reservation) {
    record.reset();
    if (stripe_records_ > 0 && --stripe_records_ == 0) stripe_reservation_.release();
  } else if (keep_spare_ && !spare_) {
    spare_ = std::move(*record);
  }
}

void Flight::keep_spare(bool keep) {
  keep_spare_ = keep;
  if (!keep) spare_ = {};
}

boost::asio::awaitable<void> Flight::all_ended() {
  while (under_way_ > 0) co_await changed_.wait();
}

std::optional<Error> Flight::hopeless() const {
  if (failure_) return failure_;
  const int alive = std::popcount(all_shards(extent_.shape) & ~lost_);
  // One domain holds at least one shard: no map can ask for less than k + 1.
  if (alive > extent_.shape.data) return std::nullopt;
  return error(Errc::durability_unavailable, std::to_string(alive) + " shards of the stripe are left");
}

Flight::Verdict Flight::judge(const View& view) {
  const StripeSet* set = view.find_set(extent_.set);
  if (!set) return Verdict::too_few;
  erasure::ShardMask safe = 0;
  for (std::uint8_t shard = 0; shard < extent_.shape.total(); ++shard) {
    const bool lost = lost_ & shard_bit(shard);
    const bool in = counts(view, shard);
    if (lost && !in) fenced_ |= shard_bit(shard);
    if (!lost && in) safe |= shard_bit(shard);
  }
  if (lost_ & ~fenced_) return Verdict::failed_drive_still_in;
  const WriteQuorum quorum = write_quorum(view.map(), *set);
  return static_cast<unsigned>(std::popcount(safe)) >= quorum.required ? Verdict::safe : Verdict::too_few;
}

Task<WrittenExtent> Flight::settle() {
  FIRN_ASSERT(under_way_ == 0);
  const auto deadline = std::chrono::steady_clock::now() + core_->options().fence_wait;
  for (;;) {
    if (auto reason = hopeless()) co_return std::move(*reason);
    const auto view = core_->view();
    switch (judge(*view)) {
      case Verdict::safe:
        co_return WrittenExtent{.id = extent_.id,
                                .set = extent_.set,
                                .epoch = *epoch_,
                                .length_bytes = extent_.length_bytes(),
                                .missing = lost_};
      case Verdict::too_few:
        co_return error(Errc::durability_unavailable, "fewer shards are safe than the set's write quorum");
      case Verdict::failed_drive_still_in:
        break;
    }
    const bool newer = co_await core_->wait_for_map(view->map().version, deadline);
    if (!newer) co_return error(Errc::durability_unavailable, "a failed drive was not fenced in time");
  }
}

}  // namespace firn::volume
