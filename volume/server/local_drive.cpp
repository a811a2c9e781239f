#include "server/local_drive.h"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "firn/base/log.h"

namespace firn::volume {
namespace {

/// Of the drive's size, kept free by appends: the metadata's log and state, and the index.
constexpr std::uint64_t kReservePercent = 2;
constexpr std::uint64_t kReserveBytesMin = 256ULL << 20;
/// A small drive must stay useful: never more than this part of it.
constexpr std::uint64_t kReserveShareMax = 8;

}  // namespace

LocalDrive::LocalDrive(DriveParts parts)
    : runtime_(parts.runtime),
      disk_(parts.disk),
      directory_(std::move(parts.directory)),
      identity_(parts.identity),
      options_(std::move(parts.options)),
      lock_(std::move(parts.lock)),
      index_(std::move(parts.index)),
      home_(runtime_.io(identity_.index.value % runtime_.io_threads())),
      gate_(home_.get_executor()),
      grace_timer_(home_),
      scrub_timer_(home_),
      segments_(std::move(parts.segments)),
      epochs_(std::move(parts.epochs)),
      birth_(parts.birth),
      index_flushed_at_(std::chrono::steady_clock::now()),
      stats_(parts.stats) {
  rewriting_.may_take_the_spare = true;
  closing_ = std::move(parts.open_segments);
  if (!closing_.empty()) {
    clients_.current = std::move(closing_.back());
    closing_.pop_back();
  }
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    SegmentTable::Segment& segment = segments_.at(SegmentId{i});
    if (segment.row.state != SegmentState::sealed || segment.row.live_records != 0) continue;
    // No reader from before the start is on its way. A process that dies again and again would never see the grace end.
    segment.died = index_flushed_at_ - options_.recycle_grace;
  }
}

void LocalDrive::start() {
  const std::lock_guard lock(mutex_);
  if (!clients_.current) prepare_in_background(clients_);
  wake_janitor();
  if (options_.scrub_period.count() > 0) run_in_background(&LocalDrive::keep_scrubbing);
}

void LocalDrive::fence(Error reason) {
  const std::lock_guard lock(mutex_);
  fence_locked(reason);
}

void LocalDrive::fence_locked(const Error& reason) {
  if (fence_reason_) return;
  fence_reason_ = reason;
  fenced_.store(true, std::memory_order_release);
  room_.notify_all();
  flushed_.notify_all();
  log::error("{}: drive {} is fenced: {}", directory_, identity_.index.value, reason.detail);
  if (!options_.on_fenced) return;
  // Not under our mutex.
  boost::asio::post(home_, [self = shared_from_this(), reason] { self->options_.on_fenced(self->index(), reason); });
}

bool LocalDrive::report_damage(const DamagedRecord& record, const Error& reason) {
  log::warn("{}: damaged record: extent {} stripe {} shard {}: {}", directory_, to_string(record.key.extent),
            record.key.stripe, record.key.shard, reason.detail);
  {
    const std::lock_guard lock(mutex_);
    ++stats_.damaged_records;
  }
  return !options_.on_damaged || options_.on_damaged(record);
}

Task<> LocalDrive::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_.exchange(true)) co_return Unit{};
    room_.notify_all();
  }
  for (;;) {
    std::unique_lock lock(mutex_);
    if (operations_ == 0) break;
    co_await stopped_.wait(lock);
  }
  const auto caller = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(boost::asio::bind_executor(home_, boost::asio::use_awaitable));
  grace_timer_.cancel();
  scrub_timer_.cancel();
  co_await gate_.close();
  co_await boost::asio::post(boost::asio::bind_executor(caller, boost::asio::use_awaitable));
  Result<> outcome;
  if (!fenced()) outcome = co_await write_clean_end();
  std::function<Result<>()> close = [this]() -> Result<> {
    index_.reset();
    return {};
  };
  CO_TRY(co_await run_blocking(runtime_, std::move(close)));
  lock_.reset();
  co_return outcome;
}

Task<> LocalDrive::write_clean_end() {
  CO_TRY(co_await flush_now());
  IndexBatch batch;
  {
    const std::lock_guard lock(mutex_);
    const auto put = [this, &batch](const std::shared_ptr<OpenSegment>& segment) {
      if (!segment || segment->records() == 0) return;
      SegmentRow& row = segments_.at(segment->id()).row;
      row.mark_bytes = segment->mark_bytes();
      batch.put(segment->id(), row);
    };
    put(clients_.current);
    put(rewriting_.current);
    for (const auto& segment : closing_) put(segment);
  }
  CO_TRY(co_await write_index(batch));
  CO_TRY(co_await flush_index());
  co_return co_await disk_.replace_small(directory_ + "/" + kCleanFile, make_clean_file(identity_.drive));
}

void LocalDrive::operation_ended() {
  if (operations_.fetch_sub(1) != 1 || !stopping_) return;
  const std::lock_guard lock(mutex_);
  stopped_.notify_all();
}

void LocalDrive::run_in_background(Task<> (LocalDrive::*work)()) {
  boost::asio::post(home_, [self = shared_from_this(), work] {
    // Closed: the drive stops, and whoever waits for the work is told so.
    if (!self->gate_.enter()) return;
    boost::asio::co_spawn(self->home_, background(self, Gate::Pass(self->gate_), work), boost::asio::detached);
  });
}

boost::asio::awaitable<void> LocalDrive::background(std::shared_ptr<LocalDrive> drive, Gate::Pass /*pass*/,
                                                    Task<> (LocalDrive::*work)()) {
  drive->report(co_await (drive.get()->*work)());
}

void LocalDrive::report(const Result<>& outcome) const {
  if (!outcome) log::debug("{}: {}", directory_, outcome.error().detail);
}

std::string LocalDrive::segment_path(SegmentId id) const {
  return directory_ + "/" + kSegmentsDirectory + "/" + segment_file_name(id);
}

SegmentIdentity LocalDrive::identity_of(SegmentId id) const {
  return SegmentIdentity{
      .cluster = identity_.cluster, .drive = identity_.drive, .segment = id, .segment_bytes = identity_.segment_bytes};
}

std::uint64_t LocalDrive::reserve_bytes(const DiskSpace& space) const {
  if (options_.reserve_bytes != 0) return options_.reserve_bytes;
  const std::uint64_t wanted = std::max(space.total_bytes / 100 * kReservePercent, kReserveBytesMin);
  return std::min(wanted, space.total_bytes / kReserveShareMax);
}

}  // namespace firn::volume
