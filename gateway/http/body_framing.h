#pragma once

#include <cstdint>
#include <string>

#include "firn/base/buffer.h"
#include "firn/base/result.h"

namespace firn::gateway {

/// Where a message's body ends: by Content-Length or by the chunked transfer coding, read as strictly as RFC 9112
/// allows. Does no I/O and holds no payload; used as AwsChunkedDecoder is, which often runs inside it.
class BodyFraming {
 public:
  BodyFraming() = default;  ///< No body.
  static BodyFraming with_length(std::uint64_t bytes);
  static BodyFraming chunked();

  /// Payload bytes that come next without framing between them; 0 when framing comes next, or nothing.
  std::uint64_t payload_left() const { return payload_left_bytes_; }
  /// Takes framing from the front of `bytes`; returns how much. Stops where payload begins and at the end of the body.
  Result<std::size_t> consume(ByteView bytes);
  /// The next payload bytes have been taken.
  void payload(std::uint64_t bytes);
  bool done() const { return state_ == State::done; }
  bool is_chunked() const { return is_chunked_; }

 private:
  enum class State : std::uint8_t { size_line, payload, payload_end, trailer, done };
  Result<> end_line();
  Result<> begin_chunk();

  State state_ = State::done;
  bool is_chunked_ = false;
  std::uint64_t payload_left_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::string line_;
};

}  // namespace firn::gateway
