#include <array>
#include <cstdint>

#include "firn/base/digest.h"

namespace firn {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xFF;

using DigitValues = std::array<std::uint8_t, 256>;

consteval DigitValues values_of(std::string_view digits) {
  DigitValues values;
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<std::uint8_t>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

consteval DigitValues hex_values() {
  DigitValues values = values_of(kHexDigits);
  for (char upper = 'A'; upper <= 'F'; ++upper) {
    values[static_cast<std::uint8_t>(upper)] = static_cast<std::uint8_t>(upper - 'A' + 10);
  }
  return values;
}

constexpr DigitValues kHexValues = hex_values();
constexpr DigitValues kBase64Values = values_of(kBase64Digits);

std::uint8_t byte_at(std::string_view text, std::size_t index) { return static_cast<std::uint8_t>(text[index]); }

void append_base64_group(std::string& text, std::uint32_t group, int digits) {
  for (int shift = 18; digits-- > 0; shift -= 6) text.push_back(kBase64Digits[(group >> shift) & 63]);
}

}  // namespace

std::string to_hex(std::string_view raw) {
  std::string text(raw.size() * 2, '0');
  char* to = text.data();
  for (const char c : raw) {
    const auto byte = static_cast<std::uint8_t>(c);
    *to++ = kHexDigits[byte >> 4];
    *to++ = kHexDigits[byte & 15];
  }
  return text;
}

bool from_hex(std::string_view text, std::string& raw) {
  if (text.size() % 2 != 0) return false;
  std::string decoded;
  decoded.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::uint8_t high = kHexValues[byte_at(text, i)];
    const std::uint8_t low = kHexValues[byte_at(text, i + 1)];
    if (high == kNoDigit || low == kNoDigit) return false;
    decoded.push_back(static_cast<char>(high << 4 | low));
  }
  raw = std::move(decoded);
  return true;
}

std::string to_base64(std::string_view raw) {
  std::string text;
  text.reserve((raw.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 3 <= raw.size(); i += 3) {
    append_base64_group(text, byte_at(raw, i) << 16 | byte_at(raw, i + 1) << 8 | byte_at(raw, i + 2), 4);
  }
  if (raw.size() - i == 1) {
    append_base64_group(text, byte_at(raw, i) << 16, 2);
    text += "==";
  } else if (raw.size() - i == 2) {
    append_base64_group(text, byte_at(raw, i) << 16 | byte_at(raw, i + 1) << 8, 3);
    text += "=";
  }
  return text;
}

bool from_base64(std::string_view text, std::string& raw) {
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string decoded;
  decoded.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t digits = i + 4 == text.size() ? 4 - padding : 4;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const std::uint8_t value = j < digits ? kBase64Values[byte_at(text, i + j)] : 0;
      if (value == kNoDigit) return false;
      group = group << 6 | value;
    }
    const std::size_t bytes = digits - 1;
    // Bits beyond the last byte must be zero, or one value would have several spellings.
    if ((group & ((1U << (8 * (3 - bytes))) - 1)) != 0) return false;
    for (std::size_t j = 0; j < bytes; ++j) decoded.push_back(static_cast<char>(group >> (16 - 8 * j)));
  }
  raw = std::move(decoded);
  return true;
}

}  // namespace firn
