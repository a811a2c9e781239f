// A request's head and its body's framing: found at the same place however the bytes are split, and never read two
// ways.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "firn/base/assert.h"
#include "http/body_framing.h"
#include "http/limits.h"
#include "http/message_head.h"

namespace {

using namespace firn::gateway;

/// How many bytes the body takes, or npos when it was refused or has no end here.
std::size_t body_bytes(BodyFraming framing, std::string_view bytes, std::size_t piece_bytes) {
  std::size_t at = 0;
  while (!framing.done() && at < bytes.size()) {
    const std::string_view piece = bytes.substr(at, piece_bytes);
    std::size_t used = std::min<std::uint64_t>(framing.payload_left(), piece.size());
    if (used > 0) {
      framing.payload(used);
    } else {
      const auto consumed = framing.consume(firn::as_bytes(piece));
      if (!consumed) return std::string_view::npos;
      used = *consumed;
      FIRN_ASSERT(used > 0);
    }
    at += used;
  }
  return framing.done() ? at : std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t split = data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  HeadScanner whole;
  HeadScanner in_pieces;
  const auto state = whole.scan(input);
  auto state_in_pieces = in_pieces.scan(input.substr(0, split));
  if (state_in_pieces == HeadScanner::State::incomplete) state_in_pieces = in_pieces.scan(input);
  FIRN_ASSERT(state == state_in_pieces);
  if (state != HeadScanner::State::complete) return 0;
  FIRN_ASSERT(whole.head_bytes() == in_pieces.head_bytes() && whole.head_bytes() <= limits::kHeadBytesMax);

  MessageHead head;
  if (!head.parse(input.substr(whole.skipped_bytes(), whole.head_bytes()))) return 0;
  FIRN_ASSERT(!(head.chunked() && head.content_length()));
  const std::string_view rest = input.substr(whole.skipped_bytes() + whole.head_bytes());
  const BodyFraming framing =
      head.chunked() ? BodyFraming::chunked() : BodyFraming::with_length(head.content_length().value_or(0));
  FIRN_ASSERT(body_bytes(framing, rest, rest.size()) == body_bytes(framing, rest, split + 1));
  return 0;
}
