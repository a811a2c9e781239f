#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "firn/base/buffer.h"
#include "firn/base/result.h"
#include "firn/volume/record.h"

// The unit of the shard protocol: docs/formats/shard-protocol.md.
namespace firn::volume::wire {

inline constexpr std::uint32_t kFrameMagic = 0x31505346U;  // "FSP1", little endian.
inline constexpr std::uint8_t kFrameVersion = 1;
inline constexpr std::uint32_t kBodyBytesMax = 64U << 10;
inline constexpr std::uint32_t kPayloadBytesMax = kPageBytes + kChunkBytesMax;
/// Before a peer has proven who it is, it is not given more memory than this.
inline constexpr std::uint32_t kHandshakeBodyBytesMax = 256;
inline constexpr std::size_t kFailureTextBytesMax = 512;

enum class FrameKind : std::uint8_t {
  hello = 1,
  challenge = 2,
  proof = 3,
  welcome = 4,
  append = 16,
  sync = 17,
  read = 18,
  remove = 19,
  sync_index = 20,
  list = 21,
  raise_epoch = 22,
  usage = 23,
  alive = 32,
};

struct FrameHeader {
  std::uint32_t magic;
  std::uint8_t version;
  std::uint8_t kind;
  std::uint16_t status;  ///< 0, or the number of an Errc + 1.
  std::uint64_t xxh3;    ///< Of what follows it, to the end of the body; seeded with what stands before it.
  std::uint32_t request;
  std::uint32_t body_bytes;
  std::uint32_t payload_bytes;
  std::uint32_t reserved;
};
static_assert(std::is_trivially_copyable_v<FrameHeader> && sizeof(FrameHeader) == 32);
static_assert(std::has_unique_object_representations_v<FrameHeader>, "no hidden padding");

/// How much of a frame a reader is willing to take.
struct FrameBounds {
  std::uint32_t body_bytes_max = kBodyBytesMax;
  std::uint32_t payload_bytes_max = kPayloadBytesMax;
};

/// Header and body of a frame as found in a receive buffer; `body` points into it.
struct Frame {
  FrameHeader header;
  ByteView body;
  FrameKind kind() const { return static_cast<FrameKind>(header.kind); }
  std::size_t bytes() const { return sizeof(FrameHeader) + body.size(); }
};

/// Nothing when `received` does not hold header and body whole yet. Errc::corrupt for what is no frame: the connection
/// is of no use any more.
Result<std::optional<Frame>> parse_frame(ByteView received, const FrameBounds& bounds = {});

/// The failure that an answer tells, if it does. Numbers this build does not know are Errc::internal.
std::optional<Error> failure_of(const Frame& frame);

/// Header and body of a frame on its way out, and the payload that goes behind them. Small bodies allocate nothing.
class FrameBytes {
 public:
  void begin(FrameKind kind, std::uint32_t request);
  /// Instead of a body: the answer says why there is none.
  void begin_failure(FrameKind kind, std::uint32_t request, const Error& failure);
  template <class Part>
  void put(const Part& part) {
    static_assert(std::has_unique_object_representations_v<Part>);
    put_bytes({reinterpret_cast<const std::byte*>(&part), sizeof part});
  }
  void put_bytes(ByteView bytes);
  /// Goes behind the body, not copied, not summed: up to two runs.
  void set_payload(ByteView payload) { payload_ = payload; }
  void set_request(std::uint32_t request);
  /// Last: fills in lengths and checksum.
  void seal();

  ByteView head() const { return {head_.data(), head_.size()}; }
  ByteView payload() const { return payload_; }

 private:
  /// The largest body of fixed size, an append's, fits.
  static constexpr std::size_t kInlineBytes = sizeof(FrameHeader) + 64;
  FrameHeader header() const;
  void set_header(const FrameHeader& header);

  boost::container::small_vector<std::byte, kInlineBytes> head_;
  ByteView payload_;
};

}  // namespace firn::volume::wire
