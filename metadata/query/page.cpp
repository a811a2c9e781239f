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

void skip_prefix(Cursor& cursor, std::string_view prefix) {
  for (int step = 0; step < kStepsBeforeSeek; ++step) {
    if (!cursor.valid() || !cursor.key().starts_with(prefix)) return;
    cursor.next();
  }
  const std::string end = end_of_prefix(prefix);
  if (!end.empty()) {
    cursor.seek(end);
    return;
  }
  while (cursor.valid() && cursor.key().starts_with(prefix)) cursor.next();
}

}  // namespace firn::metadata::query
