#include "firn/config/ellipses.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace firn::config {
namespace {

/// A range found in a pattern: [begin, end) are its braces' positions.
struct Range {
  std::size_t begin = 0, end = 0;
  std::uint64_t first = 0, last = 0;
  std::size_t width = 0;  ///< Digits to pad to; 0 for none.
};

constexpr std::string_view kDots = "...";

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error not_a_range(std::string_view pattern) {
  return client_error(Errc::invalid_argument,
                      "\"" + std::string(pattern) + "\": expected {FIRST...LAST}, FIRST <= LAST");
}

/// The first braces of `pattern` with "..." in them.
Result<std::optional<Range>> find_range(std::string_view pattern) {
  for (std::size_t open = pattern.find('{'); open != std::string_view::npos; open = pattern.find('{', open + 1)) {
    const auto close = pattern.find('}', open);
    if (close == std::string_view::npos) break;
    const auto inside = pattern.substr(open + 1, close - open - 1);
    const auto dots = inside.find(kDots);
    if (dots == std::string_view::npos) continue;
    const auto first_text = inside.substr(0, dots);
    const auto last_text = inside.substr(dots + kDots.size());
    const auto first = parse_digits(first_text);
    const auto last = parse_digits(last_text);
    if (!first || !last || *first > *last || *last - *first >= kExpandedMax) return not_a_range(pattern);
    const bool padded = first_text.size() > 1 && first_text.front() == '0';
    return std::optional(Range{open, close + 1, *first, *last, padded ? first_text.size() : 0});
  }
  return std::optional<Range>{};
}

std::string digits(std::uint64_t value, std::size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

}  // namespace

Result<std::vector<std::string>> expand_ellipses(std::string_view pattern) {
  const auto found = find_range(pattern);
  if (!found) return found.error();
  if (!*found) {
    if (pattern.find(kDots) != std::string_view::npos) return not_a_range(pattern);
    return std::vector<std::string>{std::string(pattern)};
  }
  const Range& range = **found;
  const auto rest = expand_ellipses(pattern.substr(range.end));
  if (!rest) return rest.error();
  if ((range.last - range.first + 1) * rest->size() > kExpandedMax) return not_a_range(pattern);
  std::vector<std::string> expanded;
  for (std::uint64_t value = range.first; value <= range.last; ++value) {
    const std::string head = std::string(pattern.substr(0, range.begin)) + digits(value, range.width);
    for (const auto& tail : *rest) expanded.push_back(head + tail);
  }
  return expanded;
}

}  // namespace firn::config
