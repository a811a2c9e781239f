#include "shard/segment_scan.h"

#include <algorithm>
#include <cstring>

#include "shard/open_segment.h"

namespace firn::volume {
namespace {

/// Read in one piece while walking. Sequential reads of this size are as fast as a drive gets.
constexpr std::uint64_t kScanReadBytes = 2ULL << 20;
/// Walking headers alone skips payloads: small pieces, so that large records are not read for nothing.
constexpr std::uint64_t kHeaderReadBytes = 64ULL << 10;
static_assert(kScanReadBytes >= kPageBytes + kChunkBytesMax, "a whole record must fit");

/// A window over a file that moves forward.
class Window {
 public:
  Window(std::shared_ptr<DiskFile> file, std::uint64_t end_bytes, std::uint64_t read_bytes)
      : file_(std::move(file)), end_bytes_(end_bytes), buffer_(read_bytes) {}

  /// `length` bytes at `offset`; both within the file and the buffer's size. The view lives until the next call.
  Task<ByteView> at(std::uint64_t offset, std::uint64_t length) {
    if (offset < start_ || offset + length > start_ + filled_) {
      const std::uint64_t wanted = std::min<std::uint64_t>(buffer_.capacity(), end_bytes_ - offset);
      filled_ = 0;
      CO_TRY(co_await file_->read(offset, {buffer_.data(), wanted}));
      start_ = offset;
      filled_ = wanted;
    }
    co_return ByteView(buffer_.data() + (offset - start_), length);
  }

 private:
  std::shared_ptr<DiskFile> file_;
  std::uint64_t end_bytes_;
  Buffer buffer_;
  std::uint64_t start_ = 0;
  std::uint64_t filled_ = 0;
};

/// Errc::not_found: no record of this incarnation here.
Result<RecordHeader> parse_record_at(ByteView page, const SegmentIdentity& identity, std::uint64_t offset) {
  RecordHeader header;
  std::memcpy(&header, page.data(), sizeof header);
  if (header.magic != kRecordMagic) return Errc::not_found;
  auto sound = verify_header(header);
  const bool ours = is_record_at(header, identity, offset);
  // The place fields keep their offsets in every version.
  if (!sound && sound.code() == Errc::unsupported_version && ours) return std::move(sound).error();
  if (!sound || !ours) return Errc::not_found;
  if (header.stored_bytes > identity.segment_bytes - offset - kPageBytes) return Errc::not_found;
  return header;
}

}  // namespace

SummaryEntry summary_entry(const RecordHeader& header) {
  SummaryEntry entry{};
  entry.lease = header.lease;
  entry.counter = header.counter;
  entry.extent_bytes = header.extent_bytes;
  entry.stripe = header.stripe;
  entry.set = header.set;
  entry.set_epoch = header.set_epoch;
  entry.page = static_cast<std::uint32_t>(header.offset_bytes / kPageBytes);
  entry.stored_blocks = static_cast<std::uint16_t>(header.stored_bytes / kBlockBytes);
  entry.chunk_blocks = static_cast<std::uint16_t>(header.chunk_bytes / kBlockBytes);
  entry.shard = header.shard;
  return entry;
}

Task<ScannedSegment> scan_segment(std::shared_ptr<DiskFile> file, SegmentIdentity identity, std::uint64_t from_bytes,
                                  ScanDepth depth) {
  Window window(std::move(file), identity.segment_bytes,
                depth == ScanDepth::blocks ? kScanReadBytes : kHeaderReadBytes);
  ScannedSegment found;
  found.tail_bytes = from_bytes;
  std::uint64_t offset = from_bytes;
  while (offset + kPageBytes <= identity.segment_bytes && offset - found.tail_bytes <= kAppendWindowBytes) {
    CO_TRY_LET(const ByteView page, co_await window.at(offset, kPageBytes));
    auto header = parse_record_at(page, identity, offset);
    if (!header && header.code() == Errc::unsupported_version) co_return std::move(header).error();
    if (!header) {
      offset += kPageBytes;
      continue;
    }
    bool whole = true;
    if (depth == ScanDepth::blocks && header->stored_bytes > 0) {
      CO_TRY_LET(const ByteView blocks, co_await window.at(offset + kPageBytes, header->stored_bytes));
      whole = verify_blocks(*header, 0, blocks).has_value();
    }
    if (whole) {
      found.entries.push_back(summary_entry(*header));
    } else {
      ++found.torn_records;
    }
    offset += kPageBytes + header->stored_bytes;
    found.tail_bytes = offset;
  }
  co_return found;
}

Task<std::vector<SummaryEntry>> read_summary(std::shared_ptr<DiskFile> file, SegmentIdentity identity) {
  Buffer page(kPageBytes);
  CO_TRY(co_await file->read(identity.segment_bytes - kPageBytes, page.span()));
  CO_TRY_LET(const SummaryPlace place, parse_footer(page.view(), identity));
  Buffer pages(identity.segment_bytes - kPageBytes - place.entries_offset_bytes);
  if (!pages.empty()) CO_TRY(co_await file->read(place.entries_offset_bytes, pages.span()));
  co_return parse_summary(pages.view(), place);
}

Task<SegmentIdentity> read_segment_header(std::shared_ptr<DiskFile> file, SegmentIdentity expected) {
  Buffer both(kSegmentHeaderBytes);
  CO_TRY(co_await file->read(0, both.span()));
  co_return parse_segment_header(both.view(), expected);
}

}  // namespace firn::volume
