#include "random_bytes.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "firn/base/assert.h"
#include "firn/base/digest.h"

namespace firn::server {

Uuid random_uuid() {
  Uuid id;
  fill_random(std::as_writable_bytes(std::span(id.bytes)));
  return id;
}

std::string random_text(std::string_view alphabet, std::size_t count) {
  FIRN_ASSERT(!alphabet.empty() && alphabet.size() <= 256);
  // Bytes past the last whole multiple would favour the first letters.
  const std::size_t usable = 256 / alphabet.size() * alphabet.size();
  std::string text;
  while (text.size() < count) {
    std::uint8_t byte = 0;
    fill_random(std::as_writable_bytes(std::span(&byte, 1)));
    if (byte < usable) text += alphabet[byte % alphabet.size()];
  }
  return text;
}

}  // namespace firn::server
