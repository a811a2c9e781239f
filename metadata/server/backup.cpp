#include "server/backup.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include "apply/leap.h"
#include "files/posix_file.h"
#include "firn/base/buffer.h"
#include "firn/base/checksum.h"
#include "rows/bytes.h"
#include "rows/keys.h"
#include "rows/rows.h"
#include "rows/try.h"

namespace firn::metadata {
namespace {

constexpr std::string_view kMagic = "FIRNBAK\r";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kBlockBytes = 1 << 20;
/// More than any backup block can be: a row is an object's record of 10,000 parts at most, some 2 MiB.
constexpr std::uint32_t kBlockBytesMax = 64 << 20;
constexpr std::size_t kBlockHeadBytes = 16;

std::string header_page() {
  std::string page(kMagic);
  append_little(page, std::uint64_t{0});
  append_little(page, kVersion);
  page.resize(kPageBytes);
  const std::uint64_t digest = xxh3(as_bytes(page));
  std::memcpy(page.data() + kMagic.size(), &digest, sizeof digest);
  return page;
}

class Writer {
 public:
  explicit Writer(PosixFile file) : file_(std::move(file)) {}

  Result<> begin() { return append(header_page()); }

  Result<> add(Family family, std::string_view key, std::string_view value) {
    append_little(payload_, static_cast<std::uint8_t>(family));
    append_little(payload_, static_cast<std::uint32_t>(key.size()));
    append_little(payload_, static_cast<std::uint32_t>(value.size()));
    payload_.append(key).append(value);
    ++rows_;
    return payload_.size() >= kBlockBytes ? write_block() : Result<>();
  }

  Result<> end() {
    if (rows_ != 0) TRY(write_block());
    append_little(payload_, all_rows_);
    TRY(write_block());
    return file_.sync();
  }

 private:
  Result<> append(std::string_view bytes) {
    TRY(file_.write_all(offset_, as_bytes(bytes)));
    offset_ += bytes.size();
    return {};
  }
  Result<> write_block() {
    std::string head;
    append_little(head, static_cast<std::uint32_t>(payload_.size()));
    append_little(head, rows_);
    append_little(head, xxh3(as_bytes(payload_), block_));
    TRY(append(head));
    TRY(append(payload_));
    ++block_;
    all_rows_ += rows_;
    rows_ = 0;
    payload_.clear();
    return {};
  }

  PosixFile file_;
  std::uint64_t offset_ = 0;
  std::uint64_t block_ = 0;
  std::uint64_t all_rows_ = 0;
  std::uint32_t rows_ = 0;
  std::string payload_;
};

Error corrupt(std::string_view why) { return error(Errc::corrupt, "metadata backup: " + std::string(why)); }

using RowTaker = std::function<Result<>(Family, std::string_view key, std::string_view value)>;

/// The rows of one block.
Result<> each_row(std::string_view payload, std::uint32_t count, const RowTaker& take) {
  ByteReader in(payload);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto family = in.little<std::uint8_t>();
    const auto key_bytes = in.little<std::uint32_t>();
    const auto value_bytes = in.little<std::uint32_t>();
    const std::string_view key = in.take(key_bytes);
    const std::string_view value = in.take(value_bytes);
    if (!in.ok() || family >= kFamilies) return corrupt("a row is cut short");
    TRY(take(static_cast<Family>(family), key, value));
  }
  return in.done() ? Result<>() : Result<>(corrupt("bytes behind the last row of a block"));
}

Result<std::string> read(const PosixFile& file, std::uint64_t offset, std::size_t bytes) {
  std::string text(bytes, '\0');
  TRY(file.read_all(offset, std::as_writable_bytes(std::span(text))));
  return text;
}

/// One block after the other, checked; `take` gets its payload and number of rows.
Result<> read_blocks(const PosixFile& file, const std::function<Result<>(std::string_view, std::uint32_t)>& take) {
  TRY_LET(const std::string page, read(file, 0, kPageBytes));
  if (page != header_page()) return corrupt("no backup, or of another version");
  std::uint64_t offset = kPageBytes, all_rows = 0;
  for (std::uint64_t block = 0;; ++block) {
    TRY_LET(const std::string head, read(file, offset, kBlockHeadBytes));
    ByteReader in(head);
    const auto payload_bytes = in.little<std::uint32_t>();
    const auto rows = in.little<std::uint32_t>();
    const auto digest = in.little<std::uint64_t>();
    if (payload_bytes > kBlockBytesMax) return corrupt("a block's length");
    TRY_LET(const std::string payload, read(file, offset + kBlockHeadBytes, payload_bytes));
    if (xxh3(as_bytes(payload), block) != digest) return corrupt("a block's checksum");
    offset += kBlockHeadBytes + payload_bytes;
    if (rows == 0) {
      ByteReader last(payload);
      return last.little<std::uint64_t>() == all_rows && last.done() ? Result<>()
                                                                     : Result<>(corrupt("rows are missing"));
    }
    all_rows += rows;
    TRY(take(payload, rows));
  }
}

Result<> load_rows(RocksStore& store, const PosixFile& file) {
  const RocksReader reader(store, Wait::allowed);
  return read_blocks(file, [&](std::string_view payload, std::uint32_t rows) -> Result<> {
    Transaction transaction(reader);
    TRY(each_row(payload, rows, [&](Family family, std::string_view key, std::string_view value) -> Result<> {
      transaction.put(family, key, std::string(value));
      return {};
    }));
    return store.commit(transaction);
  });
}

Result<> edit_map(Transaction& changes, const std::function<void(MapRecord&)>& change_map) {
  TRY_LET(auto map, load<MapRecord>(changes, Family::config, keys::cluster_map()));
  if (!map || !change_map) return {};
  change_map(*map);
  store(changes, Family::config, keys::cluster_map(), *map);
  return {};
}

/// The log goes on far behind where it may have been when the metadata was lost.
Result<> leap_and_begin(RocksStore& rocks, UnixMs now, const std::function<void(MapRecord&)>& change_map) {
  const RocksReader reader(rocks, Wait::allowed);
  Transaction changes(reader);
  TRY_LET(Progress progress, load_progress(reader));
  TRY(edit_map(changes, change_map));
  TRY(leap(changes, progress, now));
  progress.applied_index += kLeap;
  store_progress(changes, progress);
  return rocks.commit(changes);
}

}  // namespace

Result<> write_backup(const Reader& state, const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::exists(path, code)) return error(Errc::already_exists, path.string());
  TRY_LET(PosixFile file, PosixFile::open(path, O_RDWR | O_CREAT | O_EXCL));
  Writer writer(std::move(file));
  TRY(writer.begin());
  for (std::size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    const auto cursor = state.scan(family, {}, {});
    for (; cursor->valid(); cursor->next()) TRY(writer.add(family, cursor->key(), cursor->value()));
    TRY(cursor->status());
  }
  TRY(writer.end());
  return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

Result<> read_backup(RocksStore& store, const std::filesystem::path& path, UnixMs now,
                     const std::function<void(MapRecord&)>& change_map) {
  TRY_LET(const PosixFile file, PosixFile::open(path, O_RDONLY));
  TRY(load_rows(store, file));
  return leap_and_begin(store, now, change_map);
}

Result<MapRecord> read_backup_map(const std::filesystem::path& path) {
  TRY_LET(const PosixFile file, PosixFile::open(path, O_RDONLY));
  std::optional<MapRecord> map;
  const std::string wanted = keys::cluster_map();
  TRY(read_blocks(file, [&](std::string_view payload, std::uint32_t rows) {
    return each_row(payload, rows, [&](Family family, std::string_view key, std::string_view value) -> Result<> {
      if (family != Family::config || key != wanted) return {};
      TRY_LET(map, unseal_row<MapRecord>(family, key, value));
      return {};
    });
  }));
  if (!map) return corrupt("no cluster map");
  return *std::move(map);
}

}  // namespace firn::metadata
