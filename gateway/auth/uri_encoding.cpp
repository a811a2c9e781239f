#include "auth/uri_encoding.h"

#include <array>
#include <cstdint>

namespace firn::gateway {
namespace {

constexpr std::array<std::int8_t, 256> kHexValue = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}();

constexpr std::array<bool, 256> kUnreserved = [] {
  std::array<bool, 256> unreserved{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")) {
    unreserved[static_cast<unsigned char>(c)] = true;
  }
  return unreserved;
}();

int hex_value(char c) { return kHexValue[static_cast<unsigned char>(c)]; }

/// The byte at `at`, an escape counting as one; moves `at` past it.
char next_byte(std::string_view raw, std::size_t& at, PlusSign plus) {
  const char c = raw[at++];
  if (c == '+' && plus == PlusSign::space) return ' ';
  if (c != '%' || raw.size() - at < 2) return c;
  const int high = hex_value(raw[at]);
  const int low = hex_value(raw[at + 1]);
  if (high < 0 || low < 0) return c;
  at += 2;
  return static_cast<char>(high << 4 | low);
}

void append_encoded(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  const char escape[3] = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  out.append(escape, sizeof escape);
}

/// How many bytes the sequence led by `lead` has, and the least code point it may stand for; 0 for no lead byte.
struct Utf8Form {
  std::size_t length_bytes;
  std::uint32_t least;
  std::uint32_t first_bits;
};
Utf8Form utf8_form(unsigned char lead) {
  if (lead < 0x80) return {1, 0, lead};
  if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, lead & 0x1Fu};
  if ((lead & 0xF0) == 0xE0) return {3, 0x800, lead & 0x0Fu};
  if (lead >= 0xF0 && lead <= 0xF4) return {4, 0x10000, lead & 0x07u};
  return {0, 0, 0};
}

}  // namespace

bool append_percent_decoded(std::string& out, std::string_view text, PlusSign plus) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t before = at;
    const char byte = next_byte(text, at, plus);
    if (text[before] == '%' && at == before + 1) return false;
    out.push_back(byte);
  }
  return true;
}

void append_canonical_path(std::string& out, std::string_view raw) {
  for (std::size_t at = 0; at < raw.size();) {
    const char byte = next_byte(raw, at, PlusSign::plus);
    if (byte == '/' || kUnreserved[static_cast<unsigned char>(byte)]) {
      out.push_back(byte);
    } else {
      append_encoded(out, byte);
    }
  }
}

void append_canonical_query_text(std::string& out, std::string_view raw) {
  for (std::size_t at = 0; at < raw.size();) {
    const char byte = next_byte(raw, at, PlusSign::space);
    if (kUnreserved[static_cast<unsigned char>(byte)]) {
      out.push_back(byte);
    } else {
      append_encoded(out, byte);
    }
  }
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Form form = utf8_form(static_cast<unsigned char>(bytes[at]));
    if (form.length_bytes == 0 || bytes.size() - at < form.length_bytes) return false;
    std::uint32_t code_point = form.first_bits;
    for (std::size_t i = 1; i < form.length_bytes; ++i) {
      const auto next = static_cast<unsigned char>(bytes[at + i]);
      if ((next & 0xC0) != 0x80) return false;
      code_point = code_point << 6 | (next & 0x3Fu);
    }
    if (code_point < form.least || code_point > 0x10FFFF) return false;
    if (code_point >= 0xD800 && code_point <= 0xDFFF) return false;
    at += form.length_bytes;
  }
  return true;
}

}  // namespace firn::gateway
