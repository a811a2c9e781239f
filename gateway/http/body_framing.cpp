#include "http/body_framing.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "http/limits.h"

namespace firn::gateway {
namespace {

Error malformed() { return client_error(Errc::bad_request, "The chunked transfer coding is malformed."); }

}  // namespace

BodyFraming BodyFraming::with_length(std::uint64_t bytes) {
  BodyFraming framing;
  framing.payload_left_bytes_ = bytes;
  framing.state_ = bytes == 0 ? State::done : State::payload;
  return framing;
}

BodyFraming BodyFraming::chunked() {
  BodyFraming framing;
  framing.is_chunked_ = true;
  framing.state_ = State::size_line;
  return framing;
}

Result<std::size_t> BodyFraming::consume(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  std::size_t at = 0;
  while (at < text.size() && state_ != State::payload && state_ != State::done) {
    const std::size_t newline = text.find('\n', at);
    const std::size_t end = std::min(newline, text.size());
    if (line_.size() + (end - at) > limits::kTransferLineBytesMax) return malformed();
    line_.append(text.substr(at, end - at));
    at = end;
    if (newline == std::string_view::npos) break;
    ++at;
    if (auto ended = end_line(); !ended) return std::move(ended).error();
    line_.clear();
  }
  return at;
}

Result<> BodyFraming::end_line() {
  // A bare LF, or a CR elsewhere, is how one server's end of line becomes another's payload.
  if (line_.empty() || line_.back() != '\r') return malformed();
  line_.pop_back();
  if (line_.find('\r') != std::string::npos) return malformed();
  if (state_ == State::size_line) return begin_chunk();
  if (state_ == State::payload_end) {
    if (!line_.empty()) return malformed();
    state_ = State::size_line;
    return {};
  }
  trailer_bytes_ += line_.size();
  if (trailer_bytes_ > limits::kTransferTrailerBytesMax) return malformed();
  if (line_.empty()) state_ = State::done;
  return {};
}

Result<> BodyFraming::begin_chunk() {
  const char* const begin = line_.data();
  const char* const size_end = begin + std::min(line_.find(';'), line_.size());
  const auto [parsed, failure] = std::from_chars(begin, size_end, payload_left_bytes_, 16);
  if (begin == size_end || parsed != size_end || failure != std::errc{}) {
    payload_left_bytes_ = 0;
    return malformed();
  }
  state_ = payload_left_bytes_ == 0 ? State::trailer : State::payload;
  return {};
}

void BodyFraming::payload(std::uint64_t bytes) {
  FIRN_ASSERT(bytes <= payload_left_bytes_);
  payload_left_bytes_ -= bytes;
  if (payload_left_bytes_ > 0 || state_ != State::payload) return;
  state_ = is_chunked_ ? State::payload_end : State::done;
}

}  // namespace firn::gateway
