#include "log/log_reader.h"

#include <algorithm>

#include "rows/try.h"

namespace firn::metadata {
namespace {

/// Most logs end within it; a longer replay is read in runs of it.
constexpr std::size_t kReadAheadBytes = 256 << 10;

}  // namespace

LogReader::LogReader(std::vector<LogDirectory*> members, std::uint32_t slot, const LogFile& file)
    : members_(std::move(members)), windows_(members_.size()), slot_(slot), file_(file), position_(kPageBytes) {}

std::optional<ByteView> LogReader::view(std::size_t member, std::uint64_t offset, std::size_t length) {
  if (offset + length > file_.file_bytes) return std::nullopt;
  Window& window = windows_[member];
  const bool inside = offset >= window.offset && offset + length <= window.offset + window.bytes.size();
  if (!inside) {
    const std::uint64_t wanted = std::min<std::uint64_t>(std::max(length, kReadAheadBytes), file_.file_bytes - offset);
    window.offset = offset;
    window.bytes = Buffer(static_cast<std::size_t>(wanted));
    if (!members_[member]->read(slot_, offset, window.bytes.span())) {
      window.bytes = Buffer();
      return std::nullopt;
    }
  }
  return window.bytes.view().subspan(static_cast<std::size_t>(offset - window.offset), length);
}

Result<std::optional<Batch>> LogReader::batch_at(std::size_t member, std::uint64_t offset, std::uint64_t index,
                                                 ByteView& pages) {
  const std::optional<ByteView> first = view(member, offset, kPageBytes);
  if (!first) return std::optional<Batch>();
  const std::size_t length = batch_bytes_at(*first, index);
  if (length == 0) return std::optional<Batch>();
  const std::optional<ByteView> whole = view(member, offset, length);
  if (!whole) return std::optional<Batch>();
  pages = *whole;
  return read_batch(*whole, file_.nonce);
}

Result<std::optional<LogReader::Found>> LogReader::next(std::uint64_t index, std::uint64_t covered) {
  std::optional<Found> found;
  std::vector<std::size_t> unsound;
  for (std::size_t member = 0; member < members_.size(); ++member) {
    ByteView pages;
    TRY_LET(std::optional<Batch> batch, batch_at(member, position_, index, pages));
    if (!batch) {
      unsound.push_back(member);
    } else if (!found) {
      found = Found{.pages = pages, .batch = std::move(*batch), .unsound = {}};
    }
    if (found && found->batch.place.first_index + found->batch.entries.size() <= covered + 1) break;
  }
  if (!found) return std::optional<Found>();
  found->unsound = std::move(unsound);
  position_ += found->pages.size();
  return found;
}

Result<bool> LogReader::batch_beyond(std::uint64_t index) {
  // The next batch would begin where the missing one ends, and that is no longer than a batch may be.
  const std::uint64_t end = std::min<std::uint64_t>(position_ + kBatchBytesMax, file_.file_bytes - kPageBytes);
  for (std::size_t member = 0; member < members_.size(); ++member) {
    for (std::uint64_t offset = position_ + kPageBytes; offset <= end; offset += kPageBytes) {
      ByteView pages;
      TRY_LET(const std::optional<Batch> batch, batch_at(member, offset, index, pages));
      if (batch) return true;
    }
  }
  return false;
}

}  // namespace firn::metadata
