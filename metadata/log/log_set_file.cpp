#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "files/posix_file.h"
#include "firn/base/buffer.h"
#include "firn/base/checksum.h"
#include "log/log_set.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kMembersMax = 64;
constexpr char kMagic[] = "FIRNSET\r";

struct Page {
  std::uint64_t magic;
  std::uint64_t xxh3;
  std::uint16_t version;
  std::uint16_t drives;
  std::uint16_t losses;
  std::uint16_t member_count;
  std::uint64_t number;
  std::uint64_t incarnation;
  std::uint8_t identity[16];
  std::uint64_t reserved;
  std::uint16_t members[kMembersMax];
  std::uint8_t zeros[kPageBytes - 64 - kMembersMax * 2];
};
static_assert(sizeof(Page) == kPageBytes && std::has_unique_object_representations_v<Page>);

std::uint64_t digest(Page page) {
  page.xxh3 = 0;
  return xxh3(std::as_bytes(std::span(&page, 1)));
}

std::filesystem::path path_of(const std::filesystem::path& directory) { return directory / "meta" / "logset"; }

Page page_of(const LogSetRecord& record) {
  FIRN_ASSERT(!record.members.empty() && record.members.size() <= kMembersMax);
  Page page{};
  std::memcpy(&page.magic, kMagic, sizeof page.magic);
  page.version = kVersion;
  page.drives = record.drives;
  page.losses = record.losses;
  page.member_count = static_cast<std::uint16_t>(record.members.size());
  page.number = record.number;
  page.incarnation = record.incarnation;
  std::memcpy(page.identity, record.identity.bytes.data(), sizeof page.identity);
  for (std::size_t i = 0; i < record.members.size(); ++i) page.members[i] = record.members[i].value;
  page.xxh3 = digest(page);
  return page;
}

}  // namespace

std::string make_log_set_page(const LogSetRecord& record) {
  const Page page = page_of(record);
  return {reinterpret_cast<const char*>(&page), sizeof page};
}

Result<std::optional<LogSetRecord>> parse_log_set_page(ByteView bytes) {
  Page page;
  if (bytes.size() != sizeof page) return std::optional<LogSetRecord>();
  std::memcpy(&page, bytes.data(), sizeof page);
  if (std::memcmp(&page.magic, kMagic, sizeof page.magic) != 0 || page.xxh3 != digest(page)) {
    return std::optional<LogSetRecord>();
  }
  if (page.version != kVersion) {
    return error(Errc::unsupported_version, "log set record of version " + std::to_string(page.version));
  }
  if (page.member_count == 0 || page.member_count > kMembersMax) return std::optional<LogSetRecord>();
  LogSetRecord record{
      .drives = page.drives, .losses = page.losses, .number = page.number, .incarnation = page.incarnation};
  std::memcpy(record.identity.bytes.data(), page.identity, sizeof page.identity);
  for (std::size_t i = 0; i < page.member_count; ++i) record.members.push_back(DriveIndex{page.members[i]});
  return std::optional<LogSetRecord>(std::move(record));
}

bool LogSetRecord::has(DriveIndex drive) const { return std::ranges::find(members, drive) != members.end(); }

Result<std::optional<LogSetRecord>> read_log_set(const std::filesystem::path& directory) {
  Result<PosixFile> file = PosixFile::open(path_of(directory), O_RDONLY);
  if (file.code() == Errc::not_found) return std::optional<LogSetRecord>();
  if (!file) return file.error();
  std::optional<LogSetRecord> best;
  for (std::uint64_t slot = 0; slot < 2; ++slot) {
    std::byte page[kPageBytes];
    TRY_LET(const std::size_t count, file->read_some(slot * kPageBytes, page));
    if (count != sizeof page) continue;
    TRY_LET(std::optional<LogSetRecord> record, parse_log_set_page(page));
    if (record && (!best || record->number > best->number)) best = std::move(record);
  }
  return best;
}

Result<> write_log_set(const std::filesystem::path& directory, const LogSetRecord& record) {
  const Page page = page_of(record);
  TRY(make_directories(directory / "meta"));
  const bool existed = std::filesystem::exists(path_of(directory));
  TRY_LET(PosixFile file, PosixFile::open(path_of(directory), O_RDWR | O_CREAT));
  TRY(file.write_all(record.number % 2 * kPageBytes, std::as_bytes(std::span(&page, 1))));
  TRY(file.sync());
  return existed ? Result<>() : sync_directory(directory / "meta");
}

}  // namespace firn::metadata
