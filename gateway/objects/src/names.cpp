#include "firn/objects/names.h"

#include <algorithm>
#include <array>

namespace firn::objects {

namespace {

constexpr std::size_t kBucketNameBytesMin = 3;
constexpr std::size_t kBucketNameBytesMax = 63;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Four decimal numbers: S3 refuses every name formatted like an address, whatever the numbers.
bool looks_like_ipv4(std::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 3 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

bool has_reserved_affix(std::string_view name) {
  constexpr auto kPrefixes = std::to_array<std::string_view>({"xn--", "sthree-", "amzn-s3-demo-"});
  constexpr auto kSuffixes = std::to_array<std::string_view>({"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"});
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](auto affix) { return name.starts_with(affix); }) ||
         std::any_of(kSuffixes.begin(), kSuffixes.end(), [&](auto affix) { return name.ends_with(affix); });
}

/// Length of the well-formed UTF-8 sequence at the front of `text` (RFC 3629: no surrogates, nothing overlong), or 0.
std::size_t utf8_sequence_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if ((lead == 0xE0 && at(1) < 0xA0) || (lead == 0xED && at(1) > 0x9F)) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if ((lead == 0xF0 && at(1) < 0x90) || (lead == 0xF4 && at(1) > 0x8F)) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_sequence_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace

Result<> check_bucket_name(std::string_view name) {
  const bool allowed =
      std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '.' || c == '-'; });
  if (name.size() < kBucketNameBytesMin || name.size() > kBucketNameBytesMax || !allowed ||
      !is_alphanumeric(name.front()) || !is_alphanumeric(name.back()) || name.find("..") != std::string_view::npos ||
      name.find(".-") != std::string_view::npos || name.find("-.") != std::string_view::npos || looks_like_ipv4(name) ||
      has_reserved_affix(name)) {
    return Errc::invalid_bucket_name;
  }
  return Unit{};
}

Result<> check_key(std::string_view key) {
  if (key.size() > kKeyBytesMax) return Errc::key_too_long;
  if (key.empty()) return client_error(Errc::invalid_argument, "Object key must not be empty.");
  if (!is_utf8(key)) return error(Errc::invalid_uri, "key is not UTF-8");
  if (key.find('\0') != std::string_view::npos) return error(Errc::invalid_uri, "key holds NUL");
  return Unit{};
}

}  // namespace firn::objects
