#include "auth/aws_chunked.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace firn::gateway {
namespace {

constexpr std::string_view kSignatureExtension = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
constexpr std::string_view kChunkAlgorithm = "AWS4-HMAC-SHA256-PAYLOAD";
constexpr std::string_view kTrailerAlgorithm = "AWS4-HMAC-SHA256-TRAILER";
constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

Error signature_mismatch() {
  return client_error(Errc::signature_does_not_match,
                      "The chunk signature we calculated does not match the signature you provided.");
}

std::string string_to_sign(std::string_view algorithm, const ChunkSeed& seed, std::string_view previous) {
  std::string text;
  text.reserve(320);
  text.append(algorithm).push_back('\n');
  text.append(seed.time.text()).push_back('\n');
  text.append(seed.scope).push_back('\n');
  text.append(previous).push_back('\n');
  return text;
}

}  // namespace

AwsChunkedDecoder::AwsChunkedDecoder(Options options) : options_(std::move(options)) {
  if (is_signed()) previous_signature_ = options_.seed->signature;
}

Error AwsChunkedDecoder::malformed(const char* what) const {
  if (state_ == State::trailer) return client_error(Errc::malformed_trailer, what);
  return client_error(Errc::invalid_request, what);
}

Result<std::size_t> AwsChunkedDecoder::consume(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  std::size_t at = 0;
  while (at < text.size() && payload_left() == 0) {
    if (done()) {
      // Some clients end the trailer with one empty line too many; anything else has no business here.
      if (text[at] != '\r' && text[at] != '\n') return malformed("There are bytes after the last chunk.");
      if (++trailer_bytes_ > kTrailerBytesMax) return malformed("There are bytes after the last chunk.");
      ++at;
      continue;
    }
    const std::size_t newline = text.find('\n', at);
    const std::size_t end = newline == std::string_view::npos ? text.size() : newline;
    if (line_.size() + (end - at) > kLineBytesMax + (state_ == State::trailer ? kTrailerBytesMax : 0)) {
      return malformed("A chunk's header is too long.");
    }
    line_.append(text.substr(at, end - at));
    at = end;
    if (newline == std::string_view::npos) break;
    ++at;
    if (auto ended = end_line(); !ended) return std::move(ended).error();
    line_.clear();
  }
  return at;
}

Result<> AwsChunkedDecoder::end_line() {
  const bool carriage_return = !line_.empty() && line_.back() == '\r';
  if (carriage_return) line_.pop_back();
  switch (state_) {
    case State::size_line:
      if (!carriage_return) return malformed("A chunk's header does not end in CRLF.");
      return begin_chunk();
    case State::payload_end:
      if (!carriage_return || !line_.empty()) return malformed("A chunk is longer than its header says.");
      if (last_chunk_) return end_body();
      state_ = State::size_line;
      return {};
    case State::trailer:
      return end_trailer_line();  // Clients exist that end trailers in a bare LF.
    case State::payload:
    case State::done:
      break;
  }
  return error(Errc::internal, "a line of framing inside the payload");
}

Result<> AwsChunkedDecoder::begin_chunk() {
  const std::string_view line = line_;
  const std::size_t size_end = std::min(line.find(';'), line.size());
  std::uint64_t size_bytes = 0;
  const auto [parsed, failure] = std::from_chars(line.data(), line.data() + size_end, size_bytes, 16);
  if (size_end == 0 || failure != std::errc{} || parsed != line.data() + size_end) {
    return malformed("A chunk's size is not a hexadecimal number.");
  }
  if (size_bytes > options_.decoded_length_bytes - decoded_bytes_) {
    return client_error(Errc::incomplete_body, "The body is longer than x-amz-decoded-content-length says.");
  }
  if (is_signed()) {
    const std::string_view extension = size_end < line.size() ? line.substr(size_end + 1) : std::string_view{};
    if (!extension.starts_with(kSignatureExtension)) return malformed("A chunk has no signature.");
    chunk_signature_ = extension.substr(kSignatureExtension.size());
    chunk_hash_.emplace(HashAlgorithm::sha256);
  }
  chunk_left_bytes_ = size_bytes;
  last_chunk_ = size_bytes == 0;
  if (!last_chunk_) {
    state_ = State::payload;
    return {};
  }
  return end_chunk();
}

Result<> AwsChunkedDecoder::payload(ByteView bytes) {
  FIRN_ASSERT(bytes.size() <= payload_left());
  if (chunk_hash_) chunk_hash_->update(bytes);
  chunk_left_bytes_ -= bytes.size();
  decoded_bytes_ += bytes.size();
  return chunk_left_bytes_ == 0 ? end_chunk() : Result<>{};
}

Result<> AwsChunkedDecoder::end_chunk() {
  if (is_signed()) {
    if (auto right = verify_chunk(); !right) return right;
  }
  state_ = last_chunk_ && has_trailer() ? State::trailer : State::payload_end;
  return {};
}

Result<> AwsChunkedDecoder::verify_chunk() {
  std::string to_sign = string_to_sign(kChunkAlgorithm, *options_.seed, previous_signature_);
  to_sign.append(kEmptySha256).push_back('\n');
  to_sign.append(to_hex(chunk_hash_->finish()));
  chunk_hash_.reset();
  std::string right = sign(options_.seed->key, to_sign);
  if (!equal_in_constant_time(right, chunk_signature_)) return signature_mismatch();
  previous_signature_ = std::move(right);
  return {};
}

Result<> AwsChunkedDecoder::end_trailer_line() {
  trailer_bytes_ += line_.size() + 1;
  if (trailer_bytes_ > kTrailerBytesMax) return malformed("The trailer is too long.");
  if (line_.empty()) {
    // An empty line ends the trailer, except that some clients put one before the signature too.
    if (is_signed() && !trailer_verified_) return {};
    return end_body();
  }
  const std::size_t colon = line_.find(':');
  if (colon == std::string::npos || trailer_verified_) return malformed("The trailer is malformed.");
  std::string name = lower_case(trimmed(std::string_view(line_).substr(0, colon)));
  const std::string_view value = trimmed(std::string_view(line_).substr(colon + 1));
  if (is_signed() && name == kTrailerSignature) return verify_trailer(value);
  const auto& announced = options_.announced_trailers;
  const bool sent_before =
      std::any_of(trailers_.begin(), trailers_.end(), [&](const auto& trailer) { return trailer.first == name; });
  if (sent_before || std::find(announced.begin(), announced.end(), name) == announced.end()) {
    return malformed("The trailer holds a header that x-amz-trailer does not announce.");
  }
  canonical_trailer_.append(name).append(":").append(value).append("\n");
  trailers_.emplace_back(std::move(name), value);
  return {};
}

Result<> AwsChunkedDecoder::verify_trailer(std::string_view claimed) {
  std::string to_sign = string_to_sign(kTrailerAlgorithm, *options_.seed, previous_signature_);
  to_sign.append(to_hex(sha256(as_bytes(canonical_trailer_))));
  if (!equal_in_constant_time(sign(options_.seed->key, to_sign), claimed)) return signature_mismatch();
  trailer_verified_ = true;
  return {};
}

Result<> AwsChunkedDecoder::end_body() {
  if (decoded_bytes_ != options_.decoded_length_bytes) {
    return client_error(Errc::incomplete_body, "The body is shorter than x-amz-decoded-content-length says.");
  }
  if (trailers_.size() != options_.announced_trailers.size()) {
    return client_error(Errc::malformed_trailer, "A header that x-amz-trailer announces is missing from the trailer.");
  }
  state_ = State::done;
  return {};
}

Result<> AwsChunkedDecoder::finish() {
  if (done()) return {};
  // The very last CRLF carries nothing; not every client sends it.
  const bool last_line_missing =
      last_chunk_ && line_.empty() && (state_ == State::payload_end || (state_ == State::trailer && trailer_verified_));
  if (last_line_missing) return end_body();
  return client_error(Errc::incomplete_body, "The request body terminated unexpectedly");
}

}  // namespace firn::gateway
