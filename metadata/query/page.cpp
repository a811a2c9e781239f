#include "query/page.h"

namespace firn::metadata::query {
namespace {

/// A seek costs as much as some ten steps: prefixes with fewer rows are stepped over.
constexpr int kStepsBeforeSeek = 8;

}  // namespace

std::string common_prefix(std::string_view key, std::string_view prefix, std::string_view delimiter) {
  if (delimiter.empty() || !key.starts_with(prefix)) return {};
  const std::size_t found = key.find(delimiter, prefix.size());
  return found == std::string_view::npos ? std::string() : std::string(key.substr(0, found + delimiter.size()));
}

void PrefixSkipper::skip(Cursor& cursor, std::string_view prefix) {
  const int steps = seek_at_once_ ? 1 : kStepsBeforeSeek;
  for (int step = 0; step < steps; ++step) {
    if (step > 0 && (!cursor.valid() || !cursor.key().starts_with(prefix))) {
      seek_at_once_ = false;
      return;
    }
    cursor.next();
  }
  seek_at_once_ = cursor.valid() && cursor.key().starts_with(prefix);
  if (!seek_at_once_) return;
  const std::string end = end_of_prefix(prefix);
  if (!end.empty()) {
    cursor.seek(end);
    return;
  }
  while (cursor.valid() && cursor.key().starts_with(prefix)) cursor.next();
}

}  // namespace firn::metadata::query
