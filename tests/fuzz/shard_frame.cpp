// What a peer may send to the shard port: a frame is waited for, refused, or believed; what is believed says the same
// when it is written again.
#include <cstdint>
#include <string_view>

#include "firn/base/assert.h"
#include "wire/handshake.h"
#include "wire/messages.h"

namespace {

using namespace firn;
using namespace firn::volume;
using namespace firn::volume::wire;

template <class Put>
void check_same(ByteView body, Put put) {
  FrameBytes again;
  again.begin(FrameKind::sync, 1);
  put(again);
  FIRN_ASSERT(as_text(again.head().subspan(sizeof(FrameHeader))) == as_text(body));
}

void check_requests(ByteView body) {
  if (const auto found = decode_drive(body)) check_same(body, [&](FrameBytes& out) { put_drive(out, *found); });
  if (const auto found = decode_append(body)) {
    check_same(body,
               [&](FrameBytes& out) { put_append(out, found->target.opening, found->target.drive, found->append); });
  }
  if (const auto found = decode_read(body)) {
    FIRN_ASSERT(found->range.end() <= kChunkBytesMax);
    check_same(body, [&](FrameBytes& out) { put_read(out, *found); });
  }
  if (const auto found = decode_list(body)) check_same(body, [&](FrameBytes& out) { put_list(out, *found); });
  if (const auto found = decode_epoch(body)) check_same(body, [&](FrameBytes& out) { put_epoch(out, *found); });
  if (const auto found = decode_remove(body)) {
    FIRN_ASSERT(sizeof(DriveBody) + found->extents.size() * sizeof(ExtentBody) == body.size());
  }
}

void check_answers(ByteView body) {
  if (const auto found = decode_rows(body)) check_same(body, [&](FrameBytes& out) { put_rows(out, *found); });
  if (const auto found = decode_usage(body)) check_same(body, [&](FrameBytes& out) { put_usage(out, *found); });
  if (const auto found = decode_served(body)) check_same(body, [&](FrameBytes& out) { put_served(out, *found); });
  (void)decode_first_block(body);
}

void check_frame(ByteView bytes, const FrameBounds& bounds) {
  const auto parsed = parse_frame(bytes, bounds);
  if (!parsed || !*parsed) return;
  const Frame& frame = **parsed;
  FIRN_ASSERT(frame.bytes() <= bytes.size() && frame.body.size() <= bounds.body_bytes_max);
  FIRN_ASSERT(frame.header.payload_bytes <= bounds.payload_bytes_max);
  (void)failure_of(frame);
  ClusterIdentity own;
  if (const auto hello = handshake_body<HelloBody>(frame, FrameKind::hello)) (void)answer_hello(own, *hello);
  check_requests(frame.body);
  check_answers(frame.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const ByteView input = std::as_bytes(std::span(data, size));
  check_frame(input, {});
  check_frame(input, kHandshakeBounds);
  // Else nothing would get past the checksum.
  FrameBytes sealed;
  sealed.begin(static_cast<FrameKind>(data[0]), data[1]);
  sealed.put_bytes(input.subspan(2, std::min<std::size_t>(size - 2, kBodyBytesMax)));
  sealed.seal();
  check_frame(sealed.head(), {});
  check_frame(sealed.head(), kHandshakeBounds);
  check_requests(input);
  check_answers(input);
  return 0;
}
