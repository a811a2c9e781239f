#include "shard/segment_format.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "shard/sealed_page.h"

namespace firn::volume {
namespace {

bool is_of(const std::uint8_t (&cluster)[16], const std::uint8_t (&drive)[16], const SegmentIdentity& expected) {
  return std::memcmp(cluster, expected.cluster.bytes.data(), sizeof cluster) == 0 &&
         std::memcmp(drive, expected.drive.bytes.data(), sizeof drive) == 0;
}

}  // namespace

Buffer make_segment_header(const SegmentIdentity& identity, std::uint64_t created_unix_ms) {
  Buffer both(kSegmentHeaderBytes);
  SegmentHeader header{};
  header.magic = kSegmentMagic;
  header.version = kSegmentVersion;
  header.segment_bytes = identity.segment_bytes;
  header.segment = identity.segment.value;
  header.incarnation = identity.incarnation;
  header.nonce = identity.nonce;
  header.birth = identity.birth;
  header.created_unix_ms = created_unix_ms;
  std::memcpy(header.cluster, identity.cluster.bytes.data(), sizeof header.cluster);
  std::memcpy(header.drive, identity.drive.bytes.data(), sizeof header.drive);
  seal_page(header);
  std::memcpy(both.data(), &header, sizeof header);
  std::memcpy(both.data() + kPageBytes, &header, sizeof header);
  return both;
}

Result<SegmentIdentity> parse_segment_header(ByteView both, const SegmentIdentity& expected) {
  Result<SegmentIdentity> best = error(Errc::not_found, "no sound segment header");
  for (std::size_t copy = 0; copy < 2 && (copy + 1) * kPageBytes <= both.size(); ++copy) {
    SegmentHeader header;
    std::memcpy(&header, both.data() + copy * kPageBytes, sizeof header);
    if (!is_sealed(header, kSegmentMagic)) continue;
    const std::string name = "segment " + std::to_string(expected.segment.value);
    if (header.version != kSegmentVersion) {
      return error(Errc::unsupported_version, name + ": version " + std::to_string(header.version));
    }
    if (!is_of(header.cluster, header.drive, expected) || header.segment != expected.segment.value ||
        header.segment_bytes != expected.segment_bytes) {
      return error(Errc::corrupt, name + ": its header is of another drive, segment or size");
    }
    if (!all_zero(header.reserved0) || !all_zero(header.reserved1) || header.incarnation == 0) continue;
    if (best && best->incarnation >= header.incarnation) continue;
    SegmentIdentity found = expected;
    found.incarnation = header.incarnation;
    found.nonce = header.nonce;
    found.birth = header.birth;
    best = found;
  }
  return best;
}

Buffer make_summary(const SegmentIdentity& identity, const std::vector<SummaryEntry>& entries) {
  const std::uint64_t entries_bytes = entries.size() * sizeof(SummaryEntry);
  Buffer pages(summary_and_footer_bytes(entries.size()));
  std::memset(pages.data(), 0, pages.size());
  if (!entries.empty()) std::memcpy(pages.data(), entries.data(), entries_bytes);

  SegmentFooter footer{};
  footer.magic = kFooterMagic;
  footer.version = kSegmentVersion;
  footer.segment = identity.segment.value;
  footer.incarnation = identity.incarnation;
  footer.nonce = identity.nonce;
  footer.birth = identity.birth;
  footer.entries = entries.size();
  footer.summary_xxh3 = xxh3(pages.view().first(entries_bytes));
  footer.tail_bytes = entries.empty() ? kFirstRecordOffset : entries.back().end_bytes();
  FIRN_ASSERT(footer.tail_bytes + pages.size() <= identity.segment_bytes);
  std::memcpy(footer.cluster, identity.cluster.bytes.data(), sizeof footer.cluster);
  std::memcpy(footer.drive, identity.drive.bytes.data(), sizeof footer.drive);
  seal_page(footer);
  std::memcpy(pages.data() + pages.size() - kPageBytes, &footer, sizeof footer);
  return pages;
}

Result<SummaryPlace> parse_footer(ByteView page, const SegmentIdentity& identity) {
  if (page.size() != kPageBytes) return error(Errc::corrupt, "footer: length");
  SegmentFooter footer;
  std::memcpy(&footer, page.data(), sizeof footer);
  if (!is_sealed(footer, kFooterMagic)) return error(Errc::not_found, "no footer");
  if (footer.version != kSegmentVersion) return error(Errc::unsupported_version, "footer version");
  if (!all_zero(footer.reserved0) || !all_zero(footer.reserved1)) return error(Errc::corrupt, "footer: reserved bytes");
  if (!is_of(footer.cluster, footer.drive, identity) || footer.segment != identity.segment.value ||
      footer.incarnation != identity.incarnation || footer.nonce != identity.nonce) {
    return error(Errc::not_found, "footer of another incarnation");
  }
  const std::uint64_t pages = (identity.segment_bytes - kFirstRecordOffset) / kPageBytes;
  if (footer.entries > pages || footer.tail_bytes < kFirstRecordOffset || footer.tail_bytes > identity.segment_bytes ||
      summary_and_footer_bytes(footer.entries) > identity.segment_bytes - footer.tail_bytes) {
    return error(Errc::corrupt, "footer: lengths");
  }
  return SummaryPlace{.entries = footer.entries,
                      .entries_offset_bytes = identity.segment_bytes - summary_and_footer_bytes(footer.entries),
                      .summary_xxh3 = footer.summary_xxh3,
                      .tail_bytes = footer.tail_bytes};
}

Result<std::vector<SummaryEntry>> parse_summary(ByteView pages, const SummaryPlace& place) {
  const std::uint64_t bytes = place.entries * sizeof(SummaryEntry);
  if (pages.size() < bytes) return error(Errc::corrupt, "summary: too short");
  if (xxh3(pages.first(bytes)) != place.summary_xxh3) return error(Errc::corrupt, "summary: checksum");
  std::vector<SummaryEntry> entries(place.entries);
  if (!entries.empty()) std::memcpy(entries.data(), pages.data(), bytes);
  std::uint64_t end = kFirstRecordOffset;
  for (const SummaryEntry& entry : entries) {
    const bool sound = entry.offset_bytes() >= end && entry.end_bytes() <= place.tail_bytes &&
                       all_zero(entry.reserved) && entry.stored_blocks <= entry.chunk_blocks &&
                       entry.chunk_blocks <= kBlocksMax;
    if (!sound) return error(Errc::corrupt, "summary: entries overlap or lie outside");
    end = entry.end_bytes();
  }
  return entries;
}

bool is_record_at(const RecordHeader& header, const SegmentIdentity& identity, std::uint64_t offset_bytes) {
  return header.segment == identity.segment.value && header.segment_incarnation == identity.incarnation &&
         header.segment_nonce == identity.nonce && header.offset_bytes == offset_bytes &&
         std::memcmp(header.cluster, identity.cluster.bytes.data(), sizeof header.cluster) == 0;
}

}  // namespace firn::volume
