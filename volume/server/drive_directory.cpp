// Drive::format and Drive::inspect.

#include <algorithm>

#include "firn/base/digest.h"
#include "firn/volume/record.h"
#include "shard/drive_format.h"
#include "shard/segment_format.h"

namespace firn::volume {
namespace {

constexpr std::uint64_t kSmallSegmentBytes = 64ULL << 20;
/// Fewer files and summaries on large drives; a sealed segment is what rewriting and rebuilding handle at once.
constexpr std::uint64_t kLargeSegmentBytes = 256ULL << 20;
constexpr std::uint64_t kLargeDriveBytes = 64ULL << 30;
/// One is rewriting's and one is being filled: with fewer than this, little would be left.
constexpr std::uint64_t kSegmentsMin = 16;

std::uint64_t segment_bytes_for(std::uint64_t drive_bytes) {
  if (drive_bytes >= kLargeDriveBytes) return kLargeSegmentBytes;
  std::uint64_t segment_bytes = kSmallSegmentBytes;
  while (segment_bytes > kSegmentBytesMin && drive_bytes / segment_bytes < kSegmentsMin) segment_bytes /= 2;
  return segment_bytes;
}

/// What a file system, or an interrupted format, leaves in a directory that is empty for our purposes.
bool may_be_in_an_empty_one(const std::string& name) {
  return name == "lost+found" || name == kLockFile || name == kIdentityTemporary;
}

/// Whether the place of some segment's first record has ever been written.
Task<bool> has_records(Disk& disk, std::string segments) {
  auto names = co_await disk.list(segments);
  if (!names && names.code() == Errc::not_found) co_return false;
  if (!names) co_return std::move(names).error();
  for (const std::string& name : *names) {
    CO_TRY_LET(const auto file, co_await disk.open(segments + "/" + name, Disk::Open::existing));
    Buffer page(kPageBytes);
    // A segment whose creation was cut short is shorter.
    if (!co_await file->read(kFirstRecordOffset, page.span())) continue;
    if (std::any_of(page.view().begin(), page.view().end(), [](std::byte b) { return b != std::byte{0}; }))
      co_return true;
  }
  co_return false;
}

}  // namespace

Task<DriveInspection> Drive::inspect(Disk& disk, std::string directory) {
  DriveInspection found;
  auto names = co_await disk.list(directory);
  if (!names && names.code() == Errc::not_found) co_return found;
  if (!names) co_return std::move(names).error();
  if (std::find(names->begin(), names->end(), kIdentityFile) != names->end()) {
    CO_TRY_LET(const std::string content, co_await disk.read_small(directory + "/" + kIdentityFile));
    auto identity = parse_identity_file(as_bytes(content));
    if (!identity) co_return error(identity.error().code, directory + ": " + identity.error().detail);
    found.state = DriveInspection::State::drive;
    found.identity = *identity;
    CO_TRY_LET(found.has_records, co_await has_records(disk, directory + "/" + kSegmentsDirectory));
    co_return found;
  }
  const bool empty = std::all_of(names->begin(), names->end(), may_be_in_an_empty_one);
  found.state = empty ? DriveInspection::State::empty : DriveInspection::State::foreign;
  co_return found;
}

Task<> Drive::format(Disk& disk, std::string directory, DriveIdentity identity) {
  CO_TRY_LET(const DriveInspection before, co_await inspect(disk, directory));
  if (before.state == DriveInspection::State::drive)
    co_return error(Errc::already_exists, directory + " is a drive already");
  if (before.state == DriveInspection::State::foreign) {
    co_return error(Errc::invalid_argument,
                    directory + " is not empty and is not a Firn drive: give an empty or absent directory");
  }
  if (!erasure::valid(identity.shape)) co_return error(Errc::invalid_argument, "format: shape");
  CO_TRY(co_await disk.make_directories(directory));
  CO_TRY_LET(const auto lock, co_await disk.lock(directory + "/" + kLockFile));
  if (identity.segment_bytes == 0) {
    CO_TRY_LET(const DiskSpace space, co_await disk.space(directory));
    identity.segment_bytes = segment_bytes_for(space.total_bytes);
  }
  if (identity.segment_bytes < kSegmentBytesMin || identity.segment_bytes > kSegmentBytesMax ||
      identity.segment_bytes % kPageBytes != 0) {
    co_return error(Errc::invalid_argument, "format: segment size");
  }
  if (identity.drive == Uuid{}) fill_random(std::as_writable_bytes(std::span(identity.drive.bytes)));
  if (identity.created_unix_ms == 0) identity.created_unix_ms = system_clock_source().now_unix_ms();
  co_return co_await disk.replace_small(directory + "/" + kIdentityFile, make_identity_file(identity));
}

}  // namespace firn::volume
