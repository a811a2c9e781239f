#include "wire/frame_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstring>

#include "firn/base/assert.h"

namespace firn::volume::wire {

namespace asio = boost::asio;

Task<Frame> FrameReader::next() {
  FIRN_ASSERT(payload_left_ == 0);
  for (;;) {
    CO_TRY_LET(const auto frame, parse_frame(buffered(), bounds_));
    if (frame) {
      begin_ += frame->bytes();
      payload_left_ = frame->header.payload_bytes;
      co_return *frame;
    }
    CO_TRY(co_await fill());
  }
}

Task<> FrameReader::fill() {
  const std::size_t held = end_ - begin_;
  if (begin_ > 0) std::memmove(buffer_.data(), buffer_.data() + begin_, held);
  begin_ = 0;
  end_ = held;
  if (held == buffer_.size()) {
    // A long body: the whole of it at once. Its length has been checked.
    FrameHeader header;
    std::memcpy(&header, buffer_.data(), sizeof header);
    Buffer longer(sizeof header + header.body_bytes);
    std::memcpy(longer.data(), buffer_.data(), held);
    buffer_ = std::move(longer);
  } else if (held == 0 && buffer_.size() > kReadAheadBytes) {
    buffer_ = Buffer(kReadAheadBytes);
  }
  const MutableBytes room = buffer_.span().subspan(held);
  const Channel::ReadInto into{asio::buffer(room.data(), room.size())};
  CO_TRY_LET(const std::size_t bytes, co_await channel_.read_some(into));
  end_ += bytes;
  co_return Unit{};
}

Task<> FrameReader::read(MutableBytes into) {
  FIRN_ASSERT(into.size() <= payload_left_);
  payload_left_ -= into.size();
  const std::size_t ready = std::min(into.size(), end_ - begin_);
  if (ready > 0) std::memcpy(into.data(), buffer_.data() + begin_, ready);
  begin_ += ready;
  into = into.subspan(ready);
  if (into.empty()) co_return Unit{};
  begin_ = 0;
  end_ = 0;
  // The next frame's head often follows at once: the same call takes it.
  const MutableBytes behind = payload_left_ == 0 ? buffer_.span() : MutableBytes();
  while (!into.empty()) {
    const Channel::ReadInto runs{asio::buffer(into.data(), into.size()), asio::buffer(behind.data(), behind.size())};
    CO_TRY_LET(const std::size_t bytes, co_await channel_.read_some(runs));
    const std::size_t wanted = std::min(bytes, into.size());
    into = into.subspan(wanted);
    end_ = bytes - wanted;
  }
  co_return Unit{};
}

Task<> FrameReader::skip() {
  while (payload_left_ > 0) {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = 0;
      CO_TRY(co_await fill());
    }
    const std::size_t taken = std::min(payload_left_, end_ - begin_);
    begin_ += taken;
    payload_left_ -= taken;
  }
  co_return Unit{};
}

}  // namespace firn::volume::wire
