// Files of the metadata log and records of its log set: refused, or entries that lie inside what was read.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "firn/base/assert.h"
#include "firn/base/checksum.h"
#include "log/log_format.h"
#include "log/log_set.h"

namespace {

using namespace firn;
using namespace firn::metadata;

constexpr std::uint64_t kNonce = 7;
constexpr std::size_t kChecksumAt = sizeof(std::uint64_t);

/// A batch's checksum field: of the pages with that field zero, its first two words hashed apart.
void reseal(std::string& pages, std::uint64_t seed) {
  constexpr std::size_t kHead = 2 * sizeof(std::uint64_t);
  pages.replace(kChecksumAt, sizeof(std::uint64_t), sizeof(std::uint64_t), '\0');
  const ByteView all = as_bytes(pages);
  const std::uint64_t digest = xxh3(all.subspan(kHead), xxh3(all.first(kHead), seed));
  std::memcpy(pages.data() + kChecksumAt, &digest, sizeof digest);
}

/// A sound batch with the input over its version, counts and entries.
std::string changed_batch(std::string_view input) {
  const std::vector<std::string_view> entries{"one", "two"};
  std::string pages(batch_bytes(entries), '\0');
  write_batch({.first_index = 1}, entries, kNonce, std::as_writable_bytes(std::span(pages)));
  const std::size_t room = pages.size() - 2 * sizeof(std::uint64_t);
  input.copy(pages.data() + 2 * sizeof(std::uint64_t), room);
  const auto length = static_cast<std::uint32_t>(pages.size());
  std::memcpy(pages.data() + offsetof(BatchHeader, batch_bytes), &length, sizeof length);
  reseal(pages, kNonce);
  return pages;
}

void batch(std::string_view input) {
  const std::string pages = changed_batch(input);
  const auto found = read_batch(as_bytes(pages), kNonce);
  if (!found || !*found) return;
  std::size_t bytes = 0;
  for (const std::string_view entry : (*found)->entries) {
    FIRN_ASSERT(entry.data() >= pages.data() && entry.data() + entry.size() <= pages.data() + pages.size());
    bytes += entry.size() + sizeof(std::uint32_t);
  }
  FIRN_ASSERT(!(*found)->entries.empty() && bytes <= pages.size() - sizeof(BatchHeader));
  const auto with_another_nonce = read_batch(as_bytes(pages), kNonce + 1);
  FIRN_ASSERT(with_another_nonce && !*with_another_nonce);
}

void batch_place(std::string_view input) {
  const std::string page = changed_batch(input).substr(0, kPageBytes);
  const std::size_t bytes = batch_bytes_at(as_bytes(page), 1);
  FIRN_ASSERT(bytes <= kBatchBytesMax && bytes % kPageBytes == 0);
}

void file_header(std::string_view input) {
  const Uuid identity{{1}};
  std::string page(kPageBytes, '\0');
  write_file_header({.file_bytes = 1 << 20, .sequence = 1, .nonce = kNonce, .first_index = 1}, identity,
                    std::as_writable_bytes(std::span(page)));
  input.copy(page.data() + 2 * sizeof(std::uint64_t), page.size() - 2 * sizeof(std::uint64_t));
  (void)read_file_header(as_bytes(page), identity);
  reseal(page, 0);
  (void)read_file_header(as_bytes(page), identity);
}

void log_set(std::string_view input) {
  const LogSetRecord record{
      .drives = 6, .losses = 2, .number = 1, .incarnation = 1, .identity = {}, .members = {DriveIndex{0}}};
  std::string page = make_log_set_page(record);
  input.copy(page.data() + 2 * sizeof(std::uint64_t), page.size() - 2 * sizeof(std::uint64_t));
  page.replace(kChecksumAt, sizeof(std::uint64_t), sizeof(std::uint64_t), '\0');
  const std::uint64_t digest = xxh3(as_bytes(page));
  std::memcpy(page.data() + kChecksumAt, &digest, sizeof digest);
  const auto found = parse_log_set_page(as_bytes(page));
  if (!found || !*found) return;
  const auto again = parse_log_set_page(as_bytes(make_log_set_page(**found)));
  FIRN_ASSERT(again && *again && (*again)->members == (*found)->members && (*again)->number == (*found)->number);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr void (*kTargets[])(std::string_view) = {batch, batch_place, file_header, log_set};
  kTargets[data[0] % std::size(kTargets)](input);
  return 0;
}
