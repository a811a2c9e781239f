// LocalDrive: reads everything it holds and says what is damaged.

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "firn/base/clock.h"
#include "firn/base/log.h"
#include "server/local_drive.h"
#include "server/pace.h"

namespace firn::volume {
namespace {

/// Rows taken from the index at once.
constexpr std::size_t kScrubPage = 256;
/// Read at once by the schedule, which then sleeps: short enough that clients hardly notice.
constexpr std::uint64_t kScrubStepBytes = 1ULL << 20;
/// A round that is late, because the process was not running, catches up no faster.
constexpr std::uint64_t kScrubBytesPerSecondMax = 32ULL << 20;
/// Read again at most, after a process was killed.
constexpr std::uint64_t kScrubUnsavedBytesMax = 256ULL << 20;
/// What is due may come sooner when the drive fills.
constexpr std::chrono::hours kScrubLookAgain{1};
/// Until a record is read again whose damage nobody could see to: a node that starts or stops.
constexpr std::chrono::seconds kScrubUntakenWait{1};

UnixMs now_unix_ms() { return system_clock_source().now_unix_ms(); }

}  // namespace

Task<ScrubReport> LocalDrive::scrub(std::uint64_t bytes_per_second) {
  const Pass pass(*this);
  ScrubReport report;
  Pace pace(bytes_per_second, stopping_);
  RecordKey after{};
  for (;;) {
    if (stopping_) co_return error(Errc::cancelled, directory_ + " is closing");
    CO_TRY_LET(const std::vector<RecordInfo> records, co_await list(after, kScrubPage));
    if (records.empty()) co_return report;
    for (const RecordInfo& record : records) {
      if (stopping_) co_return error(Errc::cancelled, directory_ + " is closing");
      CO_TRY(co_await scrub_record(record, report));
      co_await pace.spent(kPageBytes + std::uint64_t{record.stored_bytes});
    }
    after = records.back().key;
  }
}

Task<> LocalDrive::scrub_record(const RecordInfo& record, ScrubReport& report) {
  auto bytes = co_await read(record.key, {0, record.stored_bytes});
  Result<> sound;
  if (bytes) {
    sound = verify_identity(bytes->header(), record.key);
    if (sound) sound = verify_blocks(bytes->header(), 0, bytes->blocks());
  } else {
    if (bytes.code() == Errc::not_found) co_return Unit{};  // Removed meanwhile.
    if (bytes.code() == Errc::drive_out) co_return error(Errc::cancelled, directory_ + " is closing");
    sound = std::move(bytes).error();
  }
  ++report.records;
  report.bytes += kPageBytes + record.stored_bytes;
  if (!sound) {
    ++report.damaged;
    const bool taken =
        report_damage({.key = record.key, .set = record.set, .reason = sound.error().code}, sound.error());
    if (!taken) ++report.untaken;
  }
  const std::lock_guard lock(mutex_);
  stats_.scrubbed_bytes += kPageBytes + record.stored_bytes;
  co_return Unit{};
}

Task<> LocalDrive::keep_scrubbing() {
  CO_TRY(co_await load_scrub_round());
  Pace pace(kScrubBytesPerSecondMax, stopping_);
  std::uint64_t unsaved_bytes = 0;
  auto saved_at = std::chrono::steady_clock::now();
  auto wait = until_scrub_step();
  while (!stopping_ && !fenced()) {
    if (wait.count() > 0) {
      scrub_timer_.expires_after(std::min<std::chrono::milliseconds>(wait, kScrubLookAgain));
      co_await scrub_timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      wait = until_scrub_step();
      continue;
    }
    const auto step = co_await scrub_step();
    if (!step && !stopping_) log::warn("{}: scrub: {}", directory_, step.error().detail);
    const std::uint64_t bytes = step ? step->bytes : 0;
    unsaved_bytes += bytes;
    if (unsaved_bytes >= kScrubUnsavedBytesMax || std::chrono::steady_clock::now() - saved_at >= kScrubLookAgain) {
      co_await save_scrub_round();
      unsaved_bytes = 0;
      saved_at = std::chrono::steady_clock::now();
    }
    co_await pace.spent(bytes);
    wait = step ? until_scrub_step() : kScrubLookAgain;
    if (step && step->untaken > 0) wait = kScrubUntakenWait;
  }
  if (!fenced() && unsaved_bytes > 0) co_await save_scrub_round();
  co_return Unit{};
}

Task<> LocalDrive::load_scrub_round() {
  Result<ScrubRound> round = error(Errc::not_found, "");
  auto content = co_await disk_.read_small(directory_ + "/" + kScrubFile);
  if (content) {
    round = parse_scrub_file(as_bytes(*content), identity_.drive);
    if (!round) log::warn("{}: a new scrub round begins: {}", directory_, round.error().detail);
  }
  const UnixMs now = now_unix_ms();
  // Without a file, the first round of a new drive began when it was made: nothing need be written then.
  const UnixMs made = identity_.created_unix_ms;
  const auto young = std::min<std::chrono::milliseconds>(options_.scrub_period, kScrubLookAgain);
  const bool is_new = !round && made > now - young.count() && made <= now;
  {
    const std::lock_guard lock(mutex_);
    stats_.scrub = round ? *round : ScrubRound{.begun_unix_ms = is_new ? made : now};
  }
  if (!round && !is_new) co_await save_scrub_round();
  co_return Unit{};
}

boost::asio::awaitable<void> LocalDrive::save_scrub_round() {
  std::string content;
  {
    const std::lock_guard lock(mutex_);
    content = make_scrub_file(identity_.drive, stats_.scrub);
  }
  const auto saved = co_await disk_.replace_small(directory_ + "/" + kScrubFile, std::move(content));
  if (!saved) log::warn("{}: how far the scrub is was not saved: {}", directory_, saved.error().detail);
}

/// The step that ends at a share of what the drive holds is due when that share of the period has passed.
std::chrono::milliseconds LocalDrive::until_scrub_step() {
  const std::lock_guard lock(mutex_);
  ScrubRound& round = stats_.scrub;
  const UnixMs now = now_unix_ms();
  round.begun_unix_ms = std::min(round.begun_unix_ms, now);  // The clock was ahead.
  const auto live = static_cast<double>(std::max<std::uint64_t>(segments_.live_bytes(), 1));
  const double share = std::min(1.0, static_cast<double>(round.bytes + kScrubStepBytes) / live);
  const auto period = options_.scrub_period.count();
  const auto due = static_cast<std::int64_t>(share * static_cast<double>(period));
  return std::chrono::milliseconds(due - (now - round.begun_unix_ms));
}

Task<ScrubReport> LocalDrive::scrub_step() {
  RecordKey after;
  {
    const std::lock_guard lock(mutex_);
    after = stats_.scrub.after;
  }
  ScrubReport step;
  CO_TRY_LET(const std::vector<RecordInfo> records, co_await list(after, kScrubPage));
  if (records.empty()) co_await end_scrub_round();
  for (const RecordInfo& record : records) {
    if (stopping_ || step.bytes >= kScrubStepBytes) break;
    const ScrubReport before = step;
    CO_TRY(co_await scrub_record(record, step));
    if (step.untaken > 0) break;
    const std::lock_guard lock(mutex_);
    stats_.scrub.after = record.key;
    stats_.scrub.records += step.records - before.records;
    stats_.scrub.bytes += step.bytes - before.bytes;
    stats_.scrub.damaged += step.damaged - before.damaged;
  }
  co_return step;
}

boost::asio::awaitable<void> LocalDrive::end_scrub_round() {
  const UnixMs now = now_unix_ms();
  {
    const std::lock_guard lock(mutex_);
    const ScrubRound& round = stats_.scrub;
    if (round.damaged > 0) log::info("{}: scrubbed: {} records, {} damaged", directory_, round.records, round.damaged);
    stats_.scrub = ScrubRound{.begun_unix_ms = now, .ended_unix_ms = now};
  }
  co_await save_scrub_round();
}

}  // namespace firn::volume
