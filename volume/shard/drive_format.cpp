#include "shard/drive_format.h"

#include <charconv>
#include <cstring>
#include <vector>

#include "shard/sealed_page.h"

namespace firn::volume {
namespace {

constexpr std::uint64_t kIdentityMagic = 0x0D5652444E524946ULL;  // "FIRNDRV\r", little endian.
constexpr std::uint64_t kEpochsMagic = 0x0D4F50454E524946ULL;    // "FIRNEPO\r"
constexpr std::uint64_t kCleanMagic = 0x0D4E4C434E524946ULL;     // "FIRNCLN\r"
constexpr std::uint64_t kScrubMagic = 0x0D5243534E524946ULL;     // "FIRNSCR\r"
constexpr std::uint16_t kDriveVersion = 1;

struct IdentityPage {
  std::uint64_t magic;
  std::uint64_t xxh3;
  std::uint16_t version;
  std::uint16_t drive_index;
  std::uint16_t drives;
  std::uint8_t data_shards;
  std::uint8_t parity_shards;
  std::uint64_t segment_bytes;
  std::uint8_t cluster[16];
  std::uint8_t drive[16];
  std::uint64_t created_unix_ms;
  std::uint8_t reserved[4024];
};
static_assert(sizeof(IdentityPage) == kPageBytes && std::has_unique_object_representations_v<IdentityPage>);

struct EpochsHead {
  std::uint64_t magic;
  std::uint64_t xxh3;
  std::uint16_t version;
  std::uint16_t reserved;
  std::uint32_t count;
  std::uint8_t drive[16];
};
static_assert(sizeof(EpochsHead) == 40 && std::has_unique_object_representations_v<EpochsHead>);

struct EpochEntry {
  std::uint32_t set;
  std::uint32_t epoch;
};

struct CleanPage {
  std::uint64_t magic;
  std::uint64_t xxh3;
  std::uint16_t version;
  std::uint8_t reserved0[6];
  std::uint8_t drive[16];
  std::uint8_t reserved1[4056];
};
static_assert(sizeof(CleanPage) == kPageBytes && std::has_unique_object_representations_v<CleanPage>);

struct ScrubPage {
  std::uint64_t magic;
  std::uint64_t xxh3;
  std::uint16_t version;
  std::uint8_t reserved0[6];
  std::uint8_t drive[16];
  std::uint64_t begun_unix_ms;
  std::uint64_t ended_unix_ms;
  std::uint64_t records;
  std::uint64_t bytes;
  std::uint64_t damaged;
  std::uint64_t lease;
  std::uint64_t counter;
  std::uint32_t stripe;
  std::uint8_t shard;
  std::uint8_t reserved1[3995];
};
static_assert(sizeof(ScrubPage) == kPageBytes && std::has_unique_object_representations_v<ScrubPage>);

template <class Page>
std::string page_text(const Page& page) {
  return {reinterpret_cast<const char*>(&page), sizeof page};
}

Result<DriveIdentity> parse_identity_page(ByteView bytes) {
  IdentityPage page;
  std::memcpy(&page, bytes.data(), sizeof page);
  if (!is_sealed(page, kIdentityMagic)) return error(Errc::corrupt, "drive identity: checksum");
  if (page.version != kDriveVersion) {
    return error(Errc::unsupported_version, "drive identity: version " + std::to_string(page.version));
  }
  const erasure::Shape shape{page.data_shards, page.parity_shards};
  if (!all_zero(page.reserved) || !erasure::valid(shape) || page.segment_bytes % kPageBytes != 0 ||
      page.segment_bytes < kSegmentBytesMin || page.segment_bytes > kSegmentBytesMax) {
    return error(Errc::corrupt, "drive identity: fields");
  }
  DriveIdentity identity;
  identity.index = DriveIndex{page.drive_index};
  identity.drives = page.drives;
  identity.shape = shape;
  identity.segment_bytes = page.segment_bytes;
  identity.created_unix_ms = static_cast<UnixMs>(page.created_unix_ms);
  std::memcpy(identity.cluster.bytes.data(), page.cluster, sizeof page.cluster);
  std::memcpy(identity.drive.bytes.data(), page.drive, sizeof page.drive);
  return identity;
}

/// XXH3 of a copy with its checksum field zero.
std::uint64_t epochs_checksum(std::string copy) {
  std::memset(copy.data() + offsetof(EpochsHead, xxh3), 0, sizeof(EpochsHead::xxh3));
  return xxh3(as_bytes(copy));
}

Result<SetEpochs> parse_epochs_copy(ByteView copy, const Uuid& drive) {
  EpochsHead head;
  if (copy.size() < sizeof head) return error(Errc::corrupt, "set epochs: too short");
  std::memcpy(&head, copy.data(), sizeof head);
  if (head.magic != kEpochsMagic || head.xxh3 != epochs_checksum(std::string(as_text(copy)))) {
    return error(Errc::corrupt, "set epochs: checksum");
  }
  if (head.version != kDriveVersion) {
    return error(Errc::unsupported_version, "set epochs: version " + std::to_string(head.version));
  }
  if (head.reserved != 0 || std::memcmp(head.drive, drive.bytes.data(), sizeof head.drive) != 0 ||
      head.count > (copy.size() - sizeof head) / sizeof(EpochEntry)) {
    return error(Errc::corrupt, "set epochs: fields");
  }
  SetEpochs epochs;
  for (std::uint32_t i = 0; i < head.count; ++i) {
    EpochEntry entry;
    std::memcpy(&entry, copy.data() + sizeof head + i * sizeof entry, sizeof entry);
    epochs[SetId{entry.set}] = SetEpoch{entry.epoch};
  }
  return epochs;
}

}  // namespace

std::string make_identity_file(const DriveIdentity& identity) {
  IdentityPage page{};
  page.magic = kIdentityMagic;
  page.version = kDriveVersion;
  page.drive_index = identity.index.value;
  page.drives = identity.drives;
  page.data_shards = identity.shape.data;
  page.parity_shards = identity.shape.parity;
  page.segment_bytes = identity.segment_bytes;
  page.created_unix_ms = static_cast<std::uint64_t>(identity.created_unix_ms);
  std::memcpy(page.cluster, identity.cluster.bytes.data(), sizeof page.cluster);
  std::memcpy(page.drive, identity.drive.bytes.data(), sizeof page.drive);
  seal_page(page);
  return page_text(page) + page_text(page);
}

Result<DriveIdentity> parse_identity_file(ByteView content) {
  Result<DriveIdentity> found = error(Errc::corrupt, "drive identity: no sound copy");
  for (std::size_t at = 0; at + kPageBytes <= content.size() && at < 2 * kPageBytes; at += kPageBytes) {
    found = parse_identity_page(content.subspan(at, kPageBytes));
    if (found || found.code() == Errc::unsupported_version) return found;
  }
  return found;
}

std::string make_epochs_file(const Uuid& drive, const SetEpochs& epochs) {
  EpochsHead head{};
  head.magic = kEpochsMagic;
  head.version = kDriveVersion;
  head.count = static_cast<std::uint32_t>(epochs.size());
  std::memcpy(head.drive, drive.bytes.data(), sizeof head.drive);
  std::string copy = page_text(head);
  for (const auto& [set, epoch] : epochs) copy += page_text(EpochEntry{set.value, epoch.value});
  copy.resize(round_up_to_page(copy.size()), '\0');
  const std::uint64_t checksum = epochs_checksum(copy);
  std::memcpy(copy.data() + offsetof(EpochsHead, xxh3), &checksum, sizeof checksum);
  return copy + copy;
}

Result<SetEpochs> parse_epochs_file(ByteView content, const Uuid& drive) {
  if (content.size() % (2 * kPageBytes) != 0 || content.empty()) return error(Errc::corrupt, "set epochs: length");
  const std::size_t half = content.size() / 2;
  auto first = parse_epochs_copy(content.first(half), drive);
  if (first || first.code() == Errc::unsupported_version) return first;
  return parse_epochs_copy(content.subspan(half), drive);
}

std::string make_clean_file(const Uuid& drive) {
  CleanPage page{};
  page.magic = kCleanMagic;
  page.version = kDriveVersion;
  std::memcpy(page.drive, drive.bytes.data(), sizeof page.drive);
  seal_page(page);
  return page_text(page);
}

bool is_clean_file(ByteView content, const Uuid& drive) {
  CleanPage page;
  if (content.size() != sizeof page) return false;
  std::memcpy(&page, content.data(), sizeof page);
  return is_sealed(page, kCleanMagic) && page.version == kDriveVersion &&
         std::memcmp(page.drive, drive.bytes.data(), sizeof page.drive) == 0;
}

std::string make_scrub_file(const Uuid& drive, const ScrubRound& round) {
  ScrubPage page{};
  page.magic = kScrubMagic;
  page.version = kDriveVersion;
  std::memcpy(page.drive, drive.bytes.data(), sizeof page.drive);
  page.begun_unix_ms = static_cast<std::uint64_t>(round.begun_unix_ms);
  page.ended_unix_ms = static_cast<std::uint64_t>(round.ended_unix_ms);
  page.records = round.records;
  page.bytes = round.bytes;
  page.damaged = round.damaged;
  page.lease = round.after.extent.lease.value;
  page.counter = round.after.extent.counter;
  page.stripe = round.after.stripe;
  page.shard = round.after.shard;
  seal_page(page);
  return page_text(page);
}

Result<ScrubRound> parse_scrub_file(ByteView content, const Uuid& drive) {
  ScrubPage page;
  if (content.size() != sizeof page) return error(Errc::corrupt, "scrub round: length");
  std::memcpy(&page, content.data(), sizeof page);
  if (!is_sealed(page, kScrubMagic)) return error(Errc::corrupt, "scrub round: checksum");
  if (page.version != kDriveVersion) {
    return error(Errc::unsupported_version, "scrub round: version " + std::to_string(page.version));
  }
  if (!all_zero(page.reserved0) || !all_zero(page.reserved1) ||
      std::memcmp(page.drive, drive.bytes.data(), sizeof page.drive) != 0) {
    return error(Errc::corrupt, "scrub round: fields");
  }
  return ScrubRound{.begun_unix_ms = static_cast<UnixMs>(page.begun_unix_ms),
                    .ended_unix_ms = static_cast<UnixMs>(page.ended_unix_ms),
                    .after = {{LeaseId{page.lease}, page.counter}, page.stripe, page.shard},
                    .records = page.records,
                    .bytes = page.bytes,
                    .damaged = page.damaged};
}

std::string segment_file_name(SegmentId segment) {
  constexpr std::size_t kDigits = 8;
  std::string number = std::to_string(segment.value);
  if (number.size() < kDigits) number.insert(0, kDigits - number.size(), '0');
  return number + ".seg";
}

bool parse_segment_file_name(std::string_view name, SegmentId& segment) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  segment = SegmentId{number};
  return failed == std::errc{} && end != name.data() && segment_file_name(segment) == name;
}

}  // namespace firn::volume
