#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace firn::gateway {

inline constexpr std::string_view kS3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Appends `text` with what XML gives a meaning escaped; control characters become character references, as in S3.
void append_xml_escaped(std::string& out, std::string_view text);

/// Writes one S3 answer. Tags are string literals of ours; text is escaped.
class XmlWriter {
 public:
  /// Starts the document with its root element; S3's name space unless `xmlns` is empty.
  explicit XmlWriter(std::string_view root, std::string_view xmlns = kS3Namespace);
  void reserve(std::size_t bytes) { out_.reserve(bytes); }

  void open(std::string_view tag);
  void close(std::string_view tag);
  void element(std::string_view tag, std::string_view text);
  void number(std::string_view tag, std::uint64_t value);
  void boolean(std::string_view tag, bool value) { plain(tag, value ? "true" : "false"); }
  /// The element only when there is text.
  void optional(std::string_view tag, std::string_view text);
  /// An element that holds no text.
  void empty(std::string_view tag);
  /// An entity tag in the quotes S3 puts around it, escaped as S3 escapes them.
  void etag(std::string_view etag);
  /// Text that is known to need no escaping: numbers, time stamps, fixed words.
  void plain(std::string_view tag, std::string_view text);
  /// Any text as it is.
  void raw(std::string_view text) { out_ += text; }

  /// Closes the root and gives the document away.
  std::string finish() &&;

 private:
  /// All at once: an entry of a listing is some thirty short runs.
  void append(std::initializer_list<std::string_view> runs);
  std::string out_;
  std::string_view root_;
};

}  // namespace firn::gateway
