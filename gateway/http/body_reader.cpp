#include "http/body_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace firn::gateway {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view header(const Fields& headers, std::string_view name) {
  const auto field = headers.find(boost::beast::string_view(name.data(), name.size()));
  return field == headers.end() ? std::string_view{} : std::string_view(field->value().data(), field->value().size());
}

Result<std::uint64_t> decoded_length(const Fields& headers) {
  const std::string_view text = header(headers, "x-amz-decoded-content-length");
  if (text.empty()) return error(Errc::missing_content_length, "no x-amz-decoded-content-length");
  std::uint64_t bytes = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (end != text.data() + text.size() || failure != std::errc{}) {
    return client_error(Errc::invalid_argument, "x-amz-decoded-content-length is not a number.");
  }
  return bytes;
}

/// The names in x-amz-trailer: lower case, separated by commas.
std::vector<std::string> announced_names(std::string_view list) {
  std::vector<std::string> names;
  std::string name;
  for (const char c : list) {
    if (c == ',') {
      if (!name.empty()) names.push_back(std::exchange(name, {}));
    } else if (c != ' ' && c != '\t') {
      name.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
  }
  if (!name.empty()) names.push_back(std::move(name));
  return names;
}

boost::asio::mutable_buffer to_buffer(MutableBytes bytes) { return {bytes.data(), bytes.size()}; }

/// Where thrown-away bytes go; one for all connections of a thread.
MutableBytes discard_room() {
  constexpr std::size_t kDiscardBytes = 64 * 1024;
  thread_local const auto room = std::make_unique_for_overwrite<std::byte[]>(kDiscardBytes);
  return {room.get(), kDiscardBytes};
}

}  // namespace

BodyReader::BodyReader(Connection& connection, const MessageHead& head) : connection_(connection) {
  if (head.chunked()) framing_ = BodyFraming::chunked();
  if (head.content_length()) framing_ = BodyFraming::with_length(*head.content_length());
  length_bytes_ = head.content_length();
  // A client that has sent some of the body already is not waiting.
  continue_wanted_ = head.expects_continue() && !framing_.done() && connection.input().empty();
}

Result<> BodyReader::begin_payload(const Authenticated& authenticated, const Fields& headers) {
  signed_sha256_ = authenticated.payload_sha256;
  if (!is_aws_chunked(authenticated.payload)) return {};
  auto length = decoded_length(headers);
  if (!length) return std::move(length).error();
  length_bytes_ = *length;
  if (authenticated.payload != PayloadForm::streaming_signed) {
    announced_trailers_ = announced_names(header(headers, "x-amz-trailer"));
  }
  aws_chunked_.emplace(AwsChunkedDecoder::Options{.form = authenticated.payload,
                                                  .decoded_length_bytes = *length,
                                                  .seed = authenticated.chunk_seed,
                                                  .announced_trailers = announced_trailers_});
  return {};
}

Error BodyReader::fail(Error failure) {
  failure_ = failure;
  return failure;
}

Task<std::size_t> BodyReader::read(MutableBytes into) {
  if (failure_) co_return *failure_;
  if (finished_) co_return std::size_t{0};
  if (continue_wanted_ && !co_await send_continue()) {
    co_return fail(error(Errc::cancelled, "the client went away"));
  }
  auto filled = co_await fill(into);
  if (!filled) co_return fail(std::move(filled).error());
  co_return *filled;
}

Task<std::size_t> BodyReader::fill(MutableBytes into) {
  std::size_t filled = 0;
  for (;;) {
    CO_TRY_LET(const std::size_t taken, take_buffered(into.subspan(filled)));
    filled += taken;
    if (finished_ || filled == into.size()) co_return filled;
    // Payload goes where the handler wants it; a little room behind it takes the framing that follows.
    const MutableBytes rest = into.subspan(filled);
    const MutableBytes direct = rest.first(std::min<std::uint64_t>(payload_left(), rest.size()));
    const bool framing_follows = framing_.is_chunked() || aws_chunked_;
    MutableBytes ahead = connection_.input().room();
    ahead = ahead.first(framing_follows ? std::min(limits::kReadAheadBytes, ahead.size()) : 0);
    const ReadInto room{to_buffer(direct), to_buffer(ahead)};
    IoResult result = connection_.transport().try_read(room);
    if (result.would_block()) {
      if (filled > 0) co_return filled;
      result = co_await connection_.read_body(room);
    }
    if (!result.moved()) {
      co_return connection_.was_cut()
          ? client_error(Errc::request_timeout,
                         "Your socket connection to the server was not read from or written to "
                         "within the timeout period.")
          : client_error(Errc::incomplete_body, "The request body terminated unexpectedly");
    }
    const std::size_t of_direct = std::min(result.bytes, direct.size());
    connection_.input().commit(result.bytes - of_direct);
    CO_TRY(show_payload(direct.first(of_direct)));
    filled += of_direct;
    received_bytes_ += of_direct;
  }
}

boost::asio::awaitable<bool> BodyReader::send_continue() {
  continue_wanted_ = false;
  co_return co_await connection_.write(as_bytes(kContinue), {});
}

std::uint64_t BodyReader::payload_left() const {
  return aws_chunked_ ? std::min(framing_.payload_left(), aws_chunked_->payload_left()) : framing_.payload_left();
}

Result<std::size_t> BodyReader::take_buffered(MutableBytes into) {
  InputBuffer& input = connection_.input();
  std::size_t copied = 0;
  while (!framing_.done() && !input.empty()) {
    if (payload_left() == 0) {
      auto used = take_framing(input.view());
      if (!used) return used;
      input.consume(*used);
      received_bytes_ += *used;
      continue;
    }
    const std::size_t bytes = std::min<std::uint64_t>({payload_left(), input.size(), into.size() - copied});
    if (bytes == 0) return copied;
    std::memcpy(into.data() + copied, input.view().data(), bytes);
    input.consume(bytes);
    if (auto shown = show_payload(into.subspan(copied, bytes)); !shown) return std::move(shown).error();
    copied += bytes;
    received_bytes_ += bytes;
  }
  if (framing_.done()) {
    if (auto right = finish(); !right) return std::move(right).error();
  }
  return copied;
}

Result<std::size_t> BodyReader::take_framing(ByteView bytes) {
  if (framing_.payload_left() == 0) return framing_.consume(bytes);
  auto used = aws_chunked_->consume(bytes.first(std::min<std::uint64_t>(bytes.size(), framing_.payload_left())));
  if (used) framing_.payload(*used);
  return used;
}

Result<> BodyReader::show_payload(ByteView bytes) {
  if (bytes.empty()) return {};
  framing_.payload(bytes.size());
  if (aws_chunked_) return aws_chunked_->payload(bytes);
  if (signed_sha256_.empty()) return {};
  if (!hash_) hash_.emplace(HashAlgorithm::sha256);
  hash_->update(bytes);
  return {};
}

Result<> BodyReader::finish() {
  if (finished_) return {};
  if (aws_chunked_) {
    if (auto whole = aws_chunked_->finish(); !whole) return whole;
  }
  if (!aws_chunked_ && !signed_sha256_.empty()) {
    if (!hash_) hash_.emplace(HashAlgorithm::sha256);
    if (!equal_in_constant_time(hash_->finish(), signed_sha256_)) {
      return client_error(Errc::content_sha256_mismatch,
                          "The provided 'x-amz-content-sha256' header does not match what was computed.");
    }
  }
  finished_ = true;
  return {};
}

const std::string* BodyReader::trailer(std::string_view name) const {
  if (!finished_ || !aws_chunked_) return nullptr;
  for (const auto& [known, value] : aws_chunked_->trailers()) {
    if (boost::beast::iequals({known.data(), known.size()}, {name.data(), name.size()})) return &value;
  }
  return nullptr;
}

bool BodyReader::worth_draining() const {
  if (framing_.done()) return true;
  if (continue_wanted_ || failure_) return false;
  return framing_.is_chunked() || framing_.payload_left() <= limits::kDrainBytesMax;
}

boost::asio::awaitable<bool> BodyReader::drain(std::uint64_t bytes_max) {
  InputBuffer& input = connection_.input();
  std::uint64_t drained = 0;
  while (!framing_.done()) {
    if (drained > bytes_max) co_return false;
    if (input.empty()) {
      const MutableBytes direct =
          discard_room().first(std::min<std::uint64_t>(discard_room().size(), framing_.payload_left()));
      const MutableBytes ahead = input.room().first(framing_.is_chunked() ? limits::kReadAheadBytes : 0);
      const ReadInto room{to_buffer(direct), to_buffer(ahead)};
      IoResult result = connection_.transport().try_read(room);
      if (result.would_block()) result = co_await connection_.read_body(room);
      if (!result.moved()) co_return false;
      drained += result.bytes;
      const std::size_t of_direct = std::min(result.bytes, direct.size());
      framing_.payload(of_direct);
      input.commit(result.bytes - of_direct);
      continue;
    }
    const std::size_t payload = std::min<std::uint64_t>(framing_.payload_left(), input.size());
    if (payload > 0) {
      framing_.payload(payload);
      input.consume(payload);
      continue;
    }
    const auto used = framing_.consume(input.view());
    if (!used) co_return false;
    input.consume(*used);
  }
  co_return true;
}

}  // namespace firn::gateway
