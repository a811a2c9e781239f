// LocalDrive: reads everything it holds and says what is damaged.

#include "server/local_drive.h"
#include "server/pace.h"

namespace firn::volume {
namespace {

/// Rows taken from the index at once.
constexpr std::size_t kScrubPage = 256;

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
    const auto& header = *reinterpret_cast<const RecordHeader*>(bytes->header.data());
    sound = verify_identity(header, record.key);
    if (sound) sound = verify_blocks(header, 0, bytes->view());
  } else {
    if (bytes.code() == Errc::not_found) co_return Unit{};  // Removed meanwhile.
    if (bytes.code() == Errc::drive_out) co_return error(Errc::cancelled, directory_ + " is closing");
    sound = std::move(bytes).error();
  }
  ++report.records;
  report.bytes += kPageBytes + record.stored_bytes;
  if (!sound) {
    ++report.damaged;
    report_damage({.key = record.key, .set = record.set, .reason = sound.error().code}, sound.error());
  }
  const std::lock_guard lock(mutex_);
  stats_.scrubbed_bytes += kPageBytes + record.stored_bytes;
  co_return Unit{};
}

}  // namespace firn::volume
