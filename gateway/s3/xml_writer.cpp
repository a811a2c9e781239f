#include "s3/xml_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace firn::gateway {

namespace {

/// Per byte: whether it may stand in XML text as it is.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0; c < 256; ++c) plain[c] = c >= 0x20 || c == '\t' || c == '\n';
  for (const unsigned char c : {'&', '<', '>', '"', '\''}) plain[c] = false;
  plain[0x7F] = false;
  return plain;
}();

void append_escape(std::string& out, unsigned char c) {
  switch (c) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\'':
      out += "&#39;";
      return;
    default:
      break;
  }
  constexpr char kDigits[] = "0123456789ABCDEF";
  out += "&#x";
  if (c >= 0x10) out += kDigits[c >> 4];
  out += kDigits[c & 0xF];
  out += ';';
}

}  // namespace

void append_xml_escaped(std::string& out, std::string_view text) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (kPlain[c]) continue;
    out.append(text, from, i - from);
    append_escape(out, c);
    from = i + 1;
  }
  out.append(text, from);
}

XmlWriter::XmlWriter(std::string_view root, std::string_view xmlns) : root_(root) {
  out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<";
  out_ += root;
  if (!xmlns.empty()) {
    out_ += " xmlns=\"";
    out_ += xmlns;
    out_ += '"';
  }
  out_ += '>';
}

void XmlWriter::append(std::initializer_list<std::string_view> runs) {
  std::size_t bytes = 0;
  for (const std::string_view run : runs) bytes += run.size();
  const std::size_t end = out_.size();
  out_.resize(end + bytes);
  char* to = out_.data() + end;
  for (const std::string_view run : runs) to = std::ranges::copy(run, to).out;
}

void XmlWriter::open(std::string_view tag) { append({"<", tag, ">"}); }

void XmlWriter::close(std::string_view tag) { append({"</", tag, ">"}); }

void XmlWriter::element(std::string_view tag, std::string_view text) {
  open(tag);
  append_xml_escaped(out_, text);
  close(tag);
}

void XmlWriter::number(std::string_view tag, std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  plain(tag, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void XmlWriter::optional(std::string_view tag, std::string_view text) {
  if (!text.empty()) element(tag, text);
}

void XmlWriter::empty(std::string_view tag) { append({"<", tag, "/>"}); }

void XmlWriter::etag(std::string_view etag) { append({"<ETag>&quot;", etag, "&quot;</ETag>"}); }

void XmlWriter::plain(std::string_view tag, std::string_view text) { append({"<", tag, ">", text, "</", tag, ">"}); }

std::string XmlWriter::finish() && {
  close(root_);
  return std::move(out_);
}

}  // namespace firn::gateway
