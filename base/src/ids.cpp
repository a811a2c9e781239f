#include "firn/base/ids.h"

#include <charconv>

#include "firn/base/digest.h"

namespace firn {
namespace {

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return {digits.data(), written.ptr};
}

}  // namespace

std::string to_string(const Uuid& uuid) {
  return to_hex({reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()});
}

bool parse(std::string_view text, Uuid& uuid) {
  std::string raw;
  if (text.size() != 2 * uuid.bytes.size() || !from_hex(text, raw)) return false;
  std::memcpy(uuid.bytes.data(), raw.data(), uuid.bytes.size());
  return true;
}

std::string to_string(const ExtentId& extent) {
  return hexadecimal(extent.lease.value) + "-" + hexadecimal(extent.counter);
}

}  // namespace firn
