#include "s3/url_code.h"

#include <array>

namespace firn::gateway {

namespace {

constexpr auto kUnreserved = [] {
  std::array<bool, 256> unreserved{};
  for (unsigned c = '0'; c <= '9'; ++c) unreserved[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) unreserved[c] = unreserved[c + 'a' - 'A'] = true;
  for (const unsigned char c : {'-', '.', '_', '~', '*', '/'}) unreserved[c] = true;
  return unreserved;
}();

}  // namespace

std::string url_encode_listing(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kUnreserved[byte]) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 0xF];
    }
  }
  return encoded;
}

}  // namespace firn::gateway
