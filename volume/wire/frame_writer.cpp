#include "wire/frame_writer.h"

#include <utility>

namespace firn::volume::wire {

void FrameWriter::push(Outgoing& frame) {
  if (ended_ || !running_) return frame.written();
  frame.next_ = nullptr;
  if (first_ == nullptr) {
    first_ = &frame;
  } else {
    last_->next_ = &frame;
  }
  last_ = &frame;
  if (!writing_since_) pushed_.signal();
}

bool FrameWriter::withdraw(Outgoing& frame) {
  Outgoing* before = nullptr;
  for (Outgoing* queued = first_; queued != nullptr; before = queued, queued = queued->next_) {
    if (queued != &frame) continue;
    (before == nullptr ? first_ : before->next_) = frame.next_;
    if (last_ == &frame) last_ = before;
    return true;
  }
  return false;
}

void FrameWriter::gather() {
  buffers_.clear();
  while (first_ != nullptr && batch_.size() < kFramesPerWrite) {
    Outgoing* const frame = first_;
    first_ = frame->next_;
    batch_.push_back(frame);
    buffers_.emplace_back(frame->frame.head().data(), frame->frame.head().size());
    const ByteView payload = frame->frame.payload();
    if (!payload.empty()) buffers_.emplace_back(payload.data(), payload.size());
  }
}

boost::asio::awaitable<void> FrameWriter::run() {
  for (bool sound = true; sound;) {
    while (first_ == nullptr && !ended_) co_await pushed_.wait();
    if (first_ == nullptr) break;
    gather();
    writing_since_ = std::chrono::steady_clock::now();
    const Result<> sent = co_await channel_.write(buffers_);
    writing_since_.reset();
    last_sent_ = std::chrono::steady_clock::now();
    sound = sent.has_value();
    for (Outgoing* const frame : batch_) frame->written();  // Which may push others.
    batch_.clear();
  }
  running_ = false;
  while (first_ != nullptr) {
    Outgoing* const frame = std::exchange(first_, first_->next_);
    frame->written();
  }
}

void FrameWriter::end() {
  ended_ = true;
  pushed_.signal();
}

Task<> send_alone(Channel& channel, FrameBytes& frame) {
  frame.seal();
  const boost::asio::const_buffer bytes(frame.head().data(), frame.head().size());
  co_return co_await channel.write(std::span(&bytes, 1));
}

}  // namespace firn::volume::wire
