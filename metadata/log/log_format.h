#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/base/buffer.h"
#include "firn/base/clock.h"
#include "firn/base/ids.h"
#include "firn/base/result.h"

/// Bytes of the log: docs/formats/log.md.
namespace firn::metadata {

inline constexpr std::size_t kBatchBytesMax = 8 << 20;

struct LogFileHeader {
  std::uint64_t magic;
  std::uint64_t xxh3;
  std::uint16_t version;
  std::uint8_t reserved[6];
  std::uint64_t file_bytes;
  std::uint64_t sequence;
  std::uint64_t nonce;
  std::uint64_t first_index;
  std::uint8_t identity[16];
};
static_assert(sizeof(LogFileHeader) == 72 && std::has_unique_object_representations_v<LogFileHeader>);

struct BatchHeader {
  std::uint64_t magic;
  std::uint64_t xxh3;
  std::uint16_t version;
  std::uint16_t reserved0;
  std::uint32_t entries;
  std::uint32_t batch_bytes;
  std::uint32_t reserved1;
  std::uint64_t first_index;
  std::uint64_t set_number;
  std::uint64_t incarnation;
  std::int64_t written_unix_ms;
};
static_assert(sizeof(BatchHeader) == 64 && std::has_unique_object_representations_v<BatchHeader>);

/// What a log file is used for.
struct LogFile {
  std::uint64_t file_bytes = 0;
  std::uint64_t sequence = 0;
  std::uint64_t nonce = 0;
  std::uint64_t first_index = 0;
};
void write_file_header(const LogFile& file, const Uuid& identity, MutableBytes page);
/// Nothing when the page is no header of this log. Errc::unsupported_version.
Result<std::optional<LogFile>> read_file_header(ByteView page, const Uuid& identity);

struct BatchPlace {
  std::uint64_t first_index = 0;
  std::uint64_t set_number = 0;
  std::uint64_t incarnation = 0;
  UnixMs written_ms = 0;
};
/// Whole pages that hold these entries, without the checksum, which needs the file's nonce.
std::size_t batch_bytes(const std::vector<std::string_view>& entries);
/// Fills `pages`, exactly batch_bytes long.
void write_batch(const BatchPlace& place, const std::vector<std::string_view>& entries, std::uint64_t nonce,
                 MutableBytes pages);

/// A batch's length from its first page, when that may begin a batch at `first_index` or later; 0 otherwise.
std::size_t batch_bytes_at(ByteView page, std::uint64_t first_index);
/// The batch when `pages` are one, unharmed, of the file with this nonce. Entries are views into `pages`.
struct Batch {
  BatchPlace place;
  std::vector<std::string_view> entries;
};
/// Errc::unsupported_version when it is whole but of another version.
Result<std::optional<Batch>> read_batch(ByteView pages, std::uint64_t nonce);

}  // namespace firn::metadata
