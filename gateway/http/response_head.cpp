#include "http/response_head.h"

#include <boost/beast/http/status.hpp>
#include <charconv>

#include "s3/timestamps.h"

namespace firn::gateway {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto [end, failure] = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end);
}

void append_text(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  out.append(text);
  for (std::size_t i = before; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) out[i] = ' ';
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_text(out, name);
  out.append(": ");
  append_text(out, value);
  out.append("\r\n");
}

void append_status_line(std::string& out, unsigned status) {
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  out.append("HTTP/1.1 ");
  append_number(out, status);
  out.push_back(' ');
  out.append(reason.data(), reason.size());
  out.append("\r\n");
}

/// The Date header's text, made once a second per thread.
std::string_view date_text(UnixMs now) {
  thread_local UnixMs second = -1;
  thread_local std::string text;
  if (now / 1000 != second) {
    second = now / 1000;
    text = http_date(now);
  }
  return text;
}

}  // namespace

bool may_have_body(unsigned status) { return status >= 200 && status != 204 && status != 304; }

void append_response_head(std::string& out, const Reply& reply, const ResponseFrame& frame) {
  append_status_line(out, reply.status);
  for (const auto& [name, value] : reply.headers) append_field(out, name, value);
  if (frame.content_length) {
    out.append("Content-Length: ");
    append_number(out, *frame.content_length);
    out.append("\r\n");
  }
  if (!frame.keep_alive) out.append("Connection: close\r\n");
  out.append("Server: Firn\r\nDate: ").append(date_text(frame.now));
  out.append("\r\nx-amz-request-id: ").append(frame.request_id);
  out.append("\r\nx-amz-id-2: ").append(frame.host_id);
  out.append("\r\n\r\n");
}

}  // namespace firn::gateway
