#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "firn/base/result.h"
#include "s3/request.h"

namespace firn::gateway {

/// Finds the end of a request's head in bytes that arrive in pieces, and refuses what makes two servers disagree about
/// where a message ends: a bare LF, a folded header line.
class HeadScanner {
 public:
  enum class State : std::uint8_t { incomplete, complete, malformed, too_large };
  /// `buffered` begins at the head and only grows between calls.
  State scan(std::string_view buffered);
  /// Once complete: empty lines before the request line, then the head with its final empty line.
  std::size_t skipped_bytes() const { return begin_; }
  std::size_t head_bytes() const { return end_ - begin_; }
  void reset() { *this = HeadScanner(); }

 private:
  std::size_t begin_ = 0;  // Where the request line starts.
  std::size_t line_ = 0;   // Where the line being looked at starts.
  std::size_t end_ = 0;
};

/// A request's line and headers, parsed by Beast and checked. Reused for every request of a connection.
class MessageHead {
 public:
  /// `head` is one whole head as HeadScanner found it. What it says of the body is unambiguous afterwards: at most one
  /// Content-Length, or the chunked coding, never both.
  Result<> parse(std::string_view head);

  /// For a request whose head could not be read.
  static const Fields& no_fields();
  const Fields& fields() const { return parser_->get(); }
  Verb method() const { return parser_->get().method(); }
  std::string_view method_text() const { return view(parser_->get().method_string()); }
  std::string_view target() const { return view(parser_->get().target()); }
  std::string_view host() const { return host_; }
  bool http_1_1() const { return parser_->get().version() == 11; }
  bool keep_alive() const { return keep_alive_; }
  bool expects_continue() const { return expects_continue_; }
  bool chunked() const { return chunked_; }
  std::optional<std::uint64_t> content_length() const { return content_length_; }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::empty_body>;
  static std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }
  Result<> read_framing();
  Result<> read_host();
  void read_expect();

  std::optional<Parser> parser_;
  std::string_view host_;
  std::optional<std::uint64_t> content_length_;
  bool chunked_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
};

}  // namespace firn::gateway
