// The small files of a drive: refused, or read so that writing them again gives the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "firn/base/assert.h"
#include "pages.h"
#include "shard/drive_format.h"
#include "shard/sealed_page.h"

namespace {

using namespace firn;
using namespace firn::volume;

constexpr Uuid kDrive{{1, 2, 3}};

/// `file` with the input laid over its first page from behind the checksum on, sealed again.
std::string changed(std::string file, std::string_view input) {
  struct Page {
    std::uint64_t magic, xxh3;
    std::uint8_t rest[kPageBytes - 2 * sizeof(std::uint64_t)];
  };
  auto page = fuzz::page_of<Page>(file);
  input.copy(reinterpret_cast<char*>(page.rest), sizeof page.rest);
  seal_page(page);
  for (std::size_t at = 0; at + kPageBytes <= file.size(); at += kPageBytes)
    std::memcpy(file.data() + at, &page, kPageBytes);
  return file;
}

void identity(std::string_view file) {
  const auto found = parse_identity_file(as_bytes(file));
  if (!found) return;
  const auto again = parse_identity_file(as_bytes(make_identity_file(*found)));
  FIRN_ASSERT(again && *again == *found && found->segment_bytes >= kSegmentBytesMin);
}

void epochs(std::string_view file) {
  const auto found = parse_epochs_file(as_bytes(file), kDrive);
  if (!found) return;
  const auto again = parse_epochs_file(as_bytes(make_epochs_file(kDrive, *found)), kDrive);
  FIRN_ASSERT(again && *again == *found);
}

void scrub(std::string_view file) {
  const auto found = parse_scrub_file(as_bytes(file), kDrive);
  if (found) FIRN_ASSERT(make_scrub_file(kDrive, *found) == file);
}

void segment_name(std::string_view name) {
  SegmentId segment;
  if (parse_segment_file_name(name, segment)) FIRN_ASSERT(segment_file_name(segment) == name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const DriveIdentity kIdentity{
      .cluster = {}, .drive = kDrive, .shape = {4, 2}, .drives = 6, .segment_bytes = kSegmentBytesMin};
  switch (data[0] % 4) {
    case 0:
      identity(input);
      identity(changed(make_identity_file(kIdentity), input));
      break;
    case 1:
      epochs(input);
      epochs(changed(make_epochs_file(kDrive, {{SetId{1}, SetEpoch{1}}}), input));
      break;
    case 2:
      (void)is_clean_file(as_bytes(input), kDrive);
      (void)is_clean_file(as_bytes(changed(make_clean_file(kDrive), input)), kDrive);
      scrub(input);
      scrub(changed(make_scrub_file(kDrive, {.begun_unix_ms = 1}), input));
      break;
    default:
      segment_name(input);
  }
  return 0;
}
