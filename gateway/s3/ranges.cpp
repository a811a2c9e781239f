#include "s3/ranges.h"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <limits>
#include <string>

namespace firn::gateway {

namespace {

/// "first-last", "first-" or "-suffix"; nothing if it is none of them.
struct RangeSpec {
  std::optional<std::uint64_t> first, last;
};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Saturates: a last byte far past any object is as good as the object's end.
std::optional<std::uint64_t> parse_offset(std::string_view text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return std::nullopt;
  return parse_decimal(text).value_or(std::numeric_limits<std::uint64_t>::max());
}

std::optional<RangeSpec> parse_range(std::string_view header) {
  constexpr std::string_view kUnit = "bytes";
  if (!boost::algorithm::istarts_with(header, kUnit)) return std::nullopt;
  header = trimmed(header.substr(kUnit.size()));
  if (!header.starts_with('=')) return std::nullopt;
  header = trimmed(header.substr(1));
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view first = trimmed(header.substr(0, dash));
  const std::string_view last = trimmed(header.substr(dash + 1));
  const RangeSpec spec{parse_offset(first), parse_offset(last)};
  if ((!first.empty() && !spec.first) || (!last.empty() && !spec.last)) return std::nullopt;
  if (first.empty() && last.empty()) return std::nullopt;
  if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
  return spec;
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  constexpr std::size_t kDigitsMax = 19;  // Fits 64 bits whatever the digits.
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

Result<std::optional<ByteRange>> resolve_range(std::string_view header, std::uint64_t size_bytes) {
  const auto spec = parse_range(header);
  if (!spec) return std::optional<ByteRange>();
  if (!spec->first) {
    const std::uint64_t length = std::min(*spec->last, size_bytes);
    if (length == 0) return Errc::invalid_range;
    return std::optional(ByteRange{size_bytes - length, length});
  }
  if (*spec->first >= size_bytes) return Errc::invalid_range;
  const std::uint64_t last = std::min(spec->last.value_or(size_bytes - 1), size_bytes - 1);
  return std::optional(ByteRange{*spec->first, last - *spec->first + 1});
}

Result<ByteRange> resolve_copy_range(std::string_view header, std::uint64_t size_bytes) {
  const auto spec = parse_range(header);
  if (!spec || !spec->first || !spec->last) {
    return client_error(
        Errc::invalid_argument,
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
        "the zero-based offsets of the first and last bytes to copy");
  }
  if (*spec->last >= size_bytes) {
    return client_error(Errc::invalid_range,
                        "Range specified is not valid for source object of size: " + std::to_string(size_bytes));
  }
  return ByteRange{*spec->first, *spec->last - *spec->first + 1};
}

std::string content_range(ByteRange range, std::uint64_t size_bytes) {
  return "bytes " + std::to_string(range.offset) + '-' + std::to_string(range.end() - 1) + '/' +
         std::to_string(size_bytes);
}

}  // namespace firn::gateway
