#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "client/event.h"
#include "firn/base/result.h"
#include "wire/channel.h"
#include "wire/frame.h"

namespace firn::volume::wire {

/// A frame on its way out. Its memory, and what its payload points to, must stay until `written` was called.
class Outgoing {
 public:
  Outgoing() = default;
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  virtual ~Outgoing() = default;
  /// The channel is done with it: all was sent, or it failed. Must return at once.
  virtual void written() = 0;

  FrameBytes frame;

 private:
  friend class FrameWriter;
  Outgoing* next_ = nullptr;
};

/// Sends frames in the order they came, many with one system call, nothing copied.
///
/// Threads: the channel's.
class FrameWriter {
 public:
  explicit FrameWriter(Channel& channel) : channel_(channel) {}

  /// Sealed. After the end `written` is called at once.
  void push(Outgoing& frame);
  /// Takes back a frame whose first byte is not on its way; `written` is not called. False: it is too late.
  bool withdraw(Outgoing& frame);

  /// Sends until `end` or a failure; then every frame has been told.
  boost::asio::awaitable<void> run();
  /// No more frames. Those that wait are still sent, unless the channel is cut.
  void end();

  bool idle() const { return first_ == nullptr && !writing_since_; }
  /// Since when the frames being sent have been.
  std::optional<std::chrono::steady_clock::time_point> writing_since() const { return writing_since_; }
  /// When a frame was last sent whole.
  std::chrono::steady_clock::time_point last_sent() const { return last_sent_; }

 private:
  /// Frames that one call sends: Asio hands the kernel 16 runs of memory at a time, two or three to a frame.
  static constexpr std::size_t kFramesPerWrite = 32;
  void gather();

  Channel& channel_;
  Outgoing* first_ = nullptr;
  Outgoing* last_ = nullptr;
  Event pushed_;
  bool ended_ = false;
  bool running_ = true;
  std::vector<Outgoing*> batch_;
  std::vector<boost::asio::const_buffer> buffers_;
  std::optional<std::chrono::steady_clock::time_point> writing_since_;
  std::chrono::steady_clock::time_point last_sent_;
};

/// Seals and sends one frame without payload, where no writer runs yet: a step of the handshake.
Task<> send_alone(Channel& channel, FrameBytes& frame);

}  // namespace firn::volume::wire
