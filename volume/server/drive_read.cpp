// LocalDrive: reads, usage, scrubbing.

#include <algorithm>
#include <cstring>

#include "firn/base/log.h"
#include "server/local_drive.h"

namespace firn::volume {
namespace {

bool is_the_record(const RecordHeader& header, const RecordKey& key, const RecordRow& row) {
  const RecordKey found{{LeaseId{header.lease}, header.counter}, header.stripe, header.shard};
  return header.magic == kRecordMagic && found == key && header.segment == row.segment.value &&
         header.segment_incarnation == row.incarnation && header.offset_bytes == row.offset_bytes();
}

}  // namespace

Task<std::shared_ptr<DiskFile>> LocalDrive::segment_file(SegmentId id) {
  {
    const std::lock_guard lock(mutex_);
    if (!segments_.contains(id))
      co_return error(Errc::corrupt, segment_path(id) + " is in the index, but not on the drive");
    if (auto file = segments_.file(id)) co_return file;
  }
  CO_TRY_LET(auto opened, co_await disk_.open(segment_path(id), Disk::Open::existing));
  const std::lock_guard lock(mutex_);
  segments_.keep_file(id, opened);
  co_return opened;
}

Task<RecordBytes> LocalDrive::read(RecordKey key, ByteRange range) {
  const Pass pass(*this);
  if (stopping_) co_return error(Errc::drive_out, directory_ + " is closed");
  CO_TRY_LET(const RecordRow row, co_await find(key));
  auto bytes = co_await read_at(key, row, range);
  if (bytes || bytes.code() != Errc::corrupt) co_return bytes;
  // Rewriting may have moved it between look-up and read.
  CO_TRY_LET(const RecordRow again, co_await find(key));
  if (again.same_place(row)) co_return bytes;
  co_return co_await read_at(key, again, range);
}

Task<RecordBytes> LocalDrive::read_at(const RecordKey& key, const RecordRow& row, ByteRange range) {
  if (range.offset > row.stored_bytes || range.length > row.stored_bytes - range.offset) {
    co_return error(Errc::invalid_argument, "read: past what the record stores");
  }
  auto opened = co_await segment_file(row.segment);
  if (!opened) {
    if (opened.code() != Errc::not_found) co_return std::move(opened).error();
    co_return error(Errc::io_error, opened.error().detail);
  }
  const std::shared_ptr<DiskFile> file = std::move(opened).value();
  const std::uint64_t first = range.offset / kBlockBytes * kBlockBytes;
  RecordBytes bytes(range.length == 0 ? 0 : round_up_to_page(range.end()) - first);
  bytes.first_block = static_cast<std::uint32_t>(first / kBlockBytes);
  if (range.length == 0 || first == 0) {
    CO_TRY(co_await file->read(row.offset_bytes(), bytes.memory.span()));
  } else {
    CO_TRY(co_await file->read_two({row.offset_bytes(), bytes.header_page()},
                                   {row.offset_bytes() + kPageBytes + first, bytes.blocks()}));
  }
  reads_.fetch_add(1, std::memory_order_relaxed);
  read_bytes_.fetch_add(bytes.memory.size(), std::memory_order_relaxed);
  if (!is_the_record(bytes.header(), key, row)) {
    co_return error(Errc::corrupt, segment_path(row.segment) + " at " + std::to_string(row.offset_bytes()) +
                                       ": not the record that the index names");
  }
  co_return bytes;
}

Task<DriveUsage> LocalDrive::usage() {
  const Pass pass(*this);
  if (stopping_) co_return error(Errc::drive_out, directory_ + " is closed");
  CO_TRY_LET(const DiskSpace space, co_await disk_.space(directory_));
  const std::uint64_t keep = reserve_bytes(space);
  const std::uint64_t creatable = space.free_bytes > keep ? (space.free_bytes - keep) / identity_.segment_bytes : 0;
  const std::lock_guard lock(mutex_);
  // One segment is rewriting's.
  const std::uint64_t segments = segments_.size() + creatable;
  DriveUsage usage;
  usage.capacity_bytes = (segments > 0 ? segments - 1 : 0) * identity_.segment_bytes;
  usage.allocated_bytes = segments_.occupied_segments() * identity_.segment_bytes;
  usage.live_bytes = segments_.live_bytes();
  for (const auto& [key, row] : pending_) usage.live_bytes += row.record_bytes();
  co_return usage;
}

DriveStats LocalDrive::stats() const {
  const std::lock_guard lock(mutex_);
  DriveStats stats = stats_;
  stats.reads = reads_.load(std::memory_order_relaxed);
  stats.read_bytes = read_bytes_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace firn::volume
