#include "log/log_format.h"

#include <bit>
#include <cstring>

#include "firn/base/assert.h"
#include "firn/base/checksum.h"

namespace firn::metadata {
namespace {

static_assert(std::endian::native == std::endian::little, "add byte swaps before porting");

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);

constexpr std::uint64_t magic(const char (&text)[9]) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(text[i]);
  return value;
}
constexpr std::uint64_t kFileMagic = magic("FIRNLOG\r");
constexpr std::uint64_t kBatchMagic = magic("FIRNBAT\r");

/// XXH3-64 of `pages` with the checksum field (bytes 8 to 16 of every header of ours) zero.
std::uint64_t digest(ByteView pages, std::uint64_t seed) {
  constexpr std::size_t kFieldEnd = 2 * sizeof(std::uint64_t);
  // The first part is short: hashing it apart spares a copy of megabytes.
  std::byte head[kFieldEnd];
  std::memcpy(head, pages.data(), sizeof(std::uint64_t));
  std::memset(head + sizeof(std::uint64_t), 0, sizeof(std::uint64_t));
  return xxh3(pages.subspan(kFieldEnd), xxh3(head, seed));
}

template <class Header>
Header load(ByteView page) {
  Header header;
  std::memcpy(&header, page.data(), sizeof header);
  return header;
}

}  // namespace

void write_file_header(const LogFile& file, const Uuid& identity, MutableBytes page) {
  FIRN_ASSERT(page.size() == kPageBytes);
  std::memset(page.data(), 0, page.size());
  LogFileHeader header{.magic = kFileMagic,
                       .xxh3 = 0,
                       .version = kVersion,
                       .reserved = {},
                       .file_bytes = file.file_bytes,
                       .sequence = file.sequence,
                       .nonce = file.nonce,
                       .first_index = file.first_index,
                       .identity = {}};
  std::memcpy(header.identity, identity.bytes.data(), sizeof header.identity);
  std::memcpy(page.data(), &header, sizeof header);
  header.xxh3 = digest(page, 0);
  std::memcpy(page.data(), &header, sizeof header);
}

Result<std::optional<LogFile>> read_file_header(ByteView page, const Uuid& identity) {
  const auto header = load<LogFileHeader>(page);
  if (header.magic != kFileMagic || header.xxh3 != digest(page.first(kPageBytes), 0) ||
      std::memcmp(header.identity, identity.bytes.data(), sizeof header.identity) != 0) {
    return std::optional<LogFile>();
  }
  if (header.version != kVersion) {
    return error(Errc::unsupported_version, "metadata log of version " + std::to_string(header.version));
  }
  return std::optional<LogFile>(LogFile{.file_bytes = header.file_bytes,
                                        .sequence = header.sequence,
                                        .nonce = header.nonce,
                                        .first_index = header.first_index});
}

std::size_t batch_bytes(const std::vector<std::string_view>& entries) {
  std::size_t bytes = sizeof(BatchHeader);
  for (const std::string_view entry : entries) bytes += kLengthBytes + entry.size();
  return round_up_to_page(bytes);
}

void write_batch(const BatchPlace& place, const std::vector<std::string_view>& entries, std::uint64_t nonce,
                 MutableBytes pages) {
  FIRN_ASSERT(pages.size() == batch_bytes(entries) && pages.size() <= kBatchBytesMax && !entries.empty());
  BatchHeader header{.magic = kBatchMagic,
                     .xxh3 = 0,
                     .version = kVersion,
                     .reserved0 = 0,
                     .entries = static_cast<std::uint32_t>(entries.size()),
                     .batch_bytes = static_cast<std::uint32_t>(pages.size()),
                     .reserved1 = 0,
                     .first_index = place.first_index,
                     .set_number = place.set_number,
                     .incarnation = place.incarnation,
                     .written_unix_ms = place.written_ms};
  std::byte* out = pages.data();
  std::memcpy(out, &header, sizeof header);
  out += sizeof header;
  for (const std::string_view entry : entries) {
    const auto length = static_cast<std::uint32_t>(entry.size());
    std::memcpy(out, &length, sizeof length);
    std::memcpy(out + sizeof length, entry.data(), entry.size());
    out += sizeof length + entry.size();
  }
  std::memset(out, 0, static_cast<std::size_t>(pages.data() + pages.size() - out));
  header.xxh3 = digest(pages, nonce);
  std::memcpy(pages.data(), &header, sizeof header);
}

std::size_t batch_bytes_at(ByteView page, std::uint64_t first_index) {
  const auto header = load<BatchHeader>(page);
  const bool plausible = header.magic == kBatchMagic && header.batch_bytes != 0 &&
                         header.batch_bytes % kPageBytes == 0 && header.batch_bytes <= kBatchBytesMax &&
                         header.first_index >= first_index;
  return plausible ? header.batch_bytes : 0;
}

Result<std::optional<Batch>> read_batch(ByteView pages, std::uint64_t nonce) {
  const auto header = load<BatchHeader>(pages);
  if (header.magic != kBatchMagic || header.batch_bytes != pages.size() || header.xxh3 != digest(pages, nonce)) {
    return std::optional<Batch>();
  }
  if (header.version != kVersion) {
    return error(Errc::unsupported_version, "metadata log batch of version " + std::to_string(header.version));
  }
  Batch batch{.place = {.first_index = header.first_index,
                        .set_number = header.set_number,
                        .incarnation = header.incarnation,
                        .written_ms = header.written_unix_ms}};
  std::string_view rest = as_text(pages.subspan(sizeof header));
  for (std::uint32_t i = 0; i < header.entries; ++i) {
    std::uint32_t length = 0;
    if (rest.size() < sizeof length) return std::optional<Batch>();
    std::memcpy(&length, rest.data(), sizeof length);
    rest.remove_prefix(sizeof length);
    if (rest.size() < length) return std::optional<Batch>();
    batch.entries.push_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  if (batch.entries.empty()) return std::optional<Batch>();
  return std::optional<Batch>(std::move(batch));
}

}  // namespace firn::metadata
