#include "http/message_head.h"

#include <charconv>
#include <iterator>
#include <utility>

#include "http/limits.h"

namespace firn::gateway {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;

Error malformed(const char* what) { return client_error(Errc::bad_request, what); }

/// RFC 9112 asks servers to forgive an empty line before the request line; a client that sends many plays with us.
constexpr std::size_t kLeadingLinesMax = 2;

}  // namespace

HeadScanner::State HeadScanner::scan(std::string_view buffered) {
  for (;;) {
    const std::size_t newline = buffered.find('\n', line_);
    if (newline == std::string_view::npos) {
      return buffered.size() - begin_ > limits::kHeadBytesMax - 1 ? State::too_large : State::incomplete;
    }
    if (newline == 0 || buffered[newline - 1] != '\r' || newline == line_) return State::malformed;
    const bool empty_line = newline == line_ + 1;
    if (newline + 1 - begin_ > limits::kHeadBytesMax) return State::too_large;
    if (!empty_line && line_ > begin_ && (buffered[line_] == ' ' || buffered[line_] == '\t')) return State::malformed;
    if (empty_line && line_ > begin_) {
      end_ = newline + 1;
      return State::complete;
    }
    line_ = newline + 1;
    if (empty_line) begin_ = line_;
    if (begin_ > 2 * kLeadingLinesMax) return State::malformed;
  }
}

const Fields& MessageHead::no_fields() {
  static const Fields none;
  return none;
}

Result<> MessageHead::parse(std::string_view head) {
  parser_.emplace();
  parser_->skip(true);  // The body is ours to read.
  parser_->header_limit(static_cast<std::uint32_t>(limits::kHeadBytesMax));
  boost::beast::error_code failure;
  const std::size_t used = parser_->put(boost::asio::const_buffer(head.data(), head.size()), failure);
  if (failure || used != head.size() || !parser_->is_header_done()) {
    return malformed("The request is not well-formed HTTP.");
  }
  const auto fields_count = std::distance(fields().begin(), fields().end());
  if (fields_count > static_cast<std::ptrdiff_t>(limits::kHeaderFieldsMax)) {
    return error(Errc::request_header_too_large, "too many header fields");
  }
  // HTTP/1.0 has no chunked coding and its keep-alive is an extension that no S3 client asks for.
  keep_alive_ = http_1_1() && parser_->get().keep_alive();
  if (auto host = read_host(); !host) return host;
  if (auto framing = read_framing(); !framing) return framing;
  read_expect();
  if (fields().count(http::field::authorization) > 1) return malformed("There is more than one Authorization header.");
  return {};
}

Result<> MessageHead::read_host() {
  const auto count = fields().count(http::field::host);
  if (count > 1 || (count == 0 && http_1_1())) return malformed("There must be exactly one Host header.");
  host_ = count == 0 ? std::string_view{} : view(fields()[http::field::host]);
  const bool sane = host_.find_first_of(" \t/\\?#@,<>\"") == std::string_view::npos;
  return sane ? Result<>{} : malformed("The Host header is no host name.");
}

Result<> MessageHead::read_framing() {
  const auto lengths = fields().count(http::field::content_length);
  const auto codings = fields().count(http::field::transfer_encoding);
  content_length_.reset();
  chunked_ = codings > 0;
  if (lengths + codings > 1) return malformed("The request says more than once where its body ends.");
  if (chunked_) {
    if (!http_1_1() || !iequals(fields()[http::field::transfer_encoding], "chunked")) {
      return malformed("The only transfer coding understood is chunked, in HTTP/1.1.");
    }
    return {};
  }
  if (lengths == 0) return {};
  const std::string_view text = view(fields()[http::field::content_length]);
  std::uint64_t bytes = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (text.empty() || end != text.data() + text.size() || failure != std::errc{}) {
    return malformed("Content-Length is not a number.");
  }
  content_length_ = bytes;
  return {};
}

void MessageHead::read_expect() {
  // Any other expectation may be ignored (RFC 9110, 10.1.1), and S3 does.
  const std::string_view text = view(fields()[http::field::expect]);
  expects_continue_ = http_1_1() && iequals({text.data(), text.size()}, "100-continue");
}

}  // namespace firn::gateway
