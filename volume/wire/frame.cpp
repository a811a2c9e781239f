#include "wire/frame.h"

#include <algorithm>

#include "firn/base/assert.h"
#include "firn/base/checksum.h"

namespace firn::volume::wire {
namespace {

constexpr std::size_t kSeedBytes = offsetof(FrameHeader, xxh3);
constexpr std::size_t kSummedFrom = kSeedBytes + sizeof(FrameHeader::xxh3);

/// `head` is a frame's header and body.
std::uint64_t checksum(ByteView head) {
  std::uint64_t seed = 0;
  static_assert(sizeof seed == kSeedBytes);
  std::memcpy(&seed, head.data(), sizeof seed);
  return xxh3(head.subspan(kSummedFrom), seed);
}

}  // namespace

Result<std::optional<Frame>> parse_frame(ByteView received, const FrameBounds& bounds) {
  if (received.size() < sizeof(FrameHeader)) return std::optional<Frame>();
  Frame frame;
  std::memcpy(&frame.header, received.data(), sizeof frame.header);
  const FrameHeader& header = frame.header;
  if (header.magic != kFrameMagic) return error(Errc::corrupt, "not a frame of the shard protocol");
  if (header.version != kFrameVersion) {
    return error(Errc::unsupported_version, "frame version " + std::to_string(header.version));
  }
  // Before the checksum can be looked at: a length from elsewhere must not be waited for.
  if (header.body_bytes > bounds.body_bytes_max || header.payload_bytes > bounds.payload_bytes_max) {
    return error(Errc::corrupt, "a frame that is too long");
  }
  if (received.size() - sizeof(FrameHeader) < header.body_bytes) return std::optional<Frame>();
  const ByteView head = received.first(sizeof(FrameHeader) + header.body_bytes);
  if (header.xxh3 != checksum(head)) return error(Errc::corrupt, "a frame with a wrong checksum");
  if (header.reserved != 0) return error(Errc::corrupt, "a frame whose reserved field is not zero");
  frame.body = head.subspan(sizeof(FrameHeader));
  return std::optional<Frame>(frame);
}

std::optional<Error> failure_of(const Frame& frame) {
  const std::uint16_t status = frame.header.status;
  if (status == 0) return std::nullopt;
  const bool known = status <= static_cast<std::uint16_t>(Errc::kCount);
  const ByteView text = frame.body.first(std::min(frame.body.size(), kFailureTextBytesMax));
  return error(known ? static_cast<Errc>(status - 1) : Errc::internal, std::string(as_text(text)));
}

void FrameBytes::begin(FrameKind kind, std::uint32_t request) {
  head_.clear();
  payload_ = {};
  put(FrameHeader{.magic = kFrameMagic,
                  .version = kFrameVersion,
                  .kind = static_cast<std::uint8_t>(kind),
                  .status = 0,
                  .xxh3 = 0,
                  .request = request,
                  .body_bytes = 0,
                  .payload_bytes = 0,
                  .reserved = 0});
}

void FrameBytes::begin_failure(FrameKind kind, std::uint32_t request, const Error& failure) {
  begin(kind, request);
  FrameHeader changed = header();
  changed.status = static_cast<std::uint16_t>(static_cast<std::uint16_t>(failure.code) + 1);
  set_header(changed);
  put_bytes(as_bytes(std::string_view(failure.detail).substr(0, kFailureTextBytesMax)));
}

void FrameBytes::put_bytes(ByteView bytes) { head_.insert(head_.end(), bytes.begin(), bytes.end()); }

void FrameBytes::set_request(std::uint32_t request) {
  FrameHeader changed = header();
  changed.request = request;
  set_header(changed);
}

void FrameBytes::seal() {
  FrameHeader sealed = header();
  sealed.body_bytes = static_cast<std::uint32_t>(head_.size() - sizeof(FrameHeader));
  sealed.payload_bytes = static_cast<std::uint32_t>(payload_.size());
  FIRN_ASSERT(sealed.body_bytes <= kBodyBytesMax && sealed.payload_bytes <= kPayloadBytesMax);
  set_header(sealed);
  sealed.xxh3 = checksum(head());
  set_header(sealed);
}

FrameHeader FrameBytes::header() const {
  FrameHeader header;
  std::memcpy(&header, head_.data(), sizeof header);
  return header;
}

void FrameBytes::set_header(const FrameHeader& header) { std::memcpy(head_.data(), &header, sizeof header); }

}  // namespace firn::volume::wire
