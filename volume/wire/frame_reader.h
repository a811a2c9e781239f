#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "firn/base/buffer.h"
#include "firn/base/result.h"
#include "wire/channel.h"
#include "wire/frame.h"

namespace firn::volume::wire {

/// Takes frames from a channel: heads through a small buffer, several per system call, payloads straight into the
/// memory they are meant for, but for what came along with their head.
///
/// Threads: the channel's. Memory: 4 KiB; more only while a longer body comes in.
class FrameReader {
 public:
  explicit FrameReader(Channel& channel) : channel_(channel), buffer_(kReadAheadBytes) {}

  void set_bounds(const FrameBounds& bounds) { bounds_ = bounds; }

  /// The next frame's header and body; they live until the next call of anything. Its payload must be read or skipped
  /// before the next frame is asked for. Errc::corrupt when the peer breaks the format, io_error when it is gone.
  Task<Frame> next();
  /// The payload's next bytes.
  Task<> read(MutableBytes into);
  /// What is left of the payload.
  Task<> skip();
  std::size_t payload_left() const { return payload_left_; }

 private:
  /// A payload's first bytes come along with its head, and are copied: few, beside a record of 1 MiB.
  static constexpr std::size_t kReadAheadBytes = 4096;
  ByteView buffered() const { return buffer_.view().subspan(begin_, end_ - begin_); }
  Task<> fill();

  Channel& channel_;
  Buffer buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t payload_left_ = 0;
  FrameBounds bounds_;
};

}  // namespace firn::volume::wire
