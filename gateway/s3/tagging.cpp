#include "s3/tagging.h"

#include <algorithm>

#include "auth/uri_encoding.h"
#include "s3/xml_reader.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

// S3's limits, in Unicode characters.
constexpr std::size_t kTagsMax = 10;
constexpr std::size_t kTagKeyCharactersMax = 128;
constexpr std::size_t kTagValueCharactersMax = 256;

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Letters, digits and spaces of any script, and + - = . _ : / @; of ASCII, anything else is refused.
bool is_tag_text(std::string_view text) {
  constexpr std::string_view kMarks = "+-=._:/@ ";
  return is_utf8(text) && std::all_of(text.begin(), text.end(), [&](char c) {
           const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
           return static_cast<signed char>(c) < 0 || alphanumeric || kMarks.find(c) != std::string_view::npos;
         });
}

Result<> check_tags(const metadata::NameValues& tags) {
  if (tags.size() > kTagsMax) {
    return client_error(Errc::invalid_tag, "Object tags cannot be greater than 10");
  }
  for (auto tag = tags.begin(); tag != tags.end(); ++tag) {
    const auto& [key, value] = *tag;
    if (key.empty() || characters(key) > kTagKeyCharactersMax || !is_tag_text(key)) {
      return client_error(Errc::invalid_tag, "The TagKey you have provided is invalid");
    }
    if (characters(value) > kTagValueCharactersMax || !is_tag_text(value)) {
      return client_error(Errc::invalid_tag, "The TagValue you have provided is invalid");
    }
    if (key.starts_with("aws:")) {
      return client_error(Errc::invalid_tag, "System tags cannot be added/updated by requester");
    }
    if (std::any_of(tags.begin(), tag, [&](const auto& other) { return other.first == key; })) {
      return client_error(Errc::invalid_tag, "Cannot provide multiple Tags with the same key");
    }
  }
  return Unit{};
}

}  // namespace

Result<metadata::NameValues> parse_tagging_header(std::string_view header) {
  metadata::NameValues tags;
  while (!header.empty()) {
    const auto ampersand = header.find('&');
    const std::string_view pair = header.substr(0, ampersand);
    header = ampersand == std::string_view::npos ? std::string_view{} : header.substr(ampersand + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    std::string key, value;
    const bool decoded =
        append_percent_decoded(key, pair.substr(0, equals), PlusSign::space) &&
        (equals == std::string_view::npos || append_percent_decoded(value, pair.substr(equals + 1), PlusSign::space));
    if (!decoded) {
      return client_error(Errc::invalid_argument,
                          "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
                          "without tag name duplicates.");
    }
    tags.emplace_back(std::move(key), std::move(value));
  }
  if (auto checked = check_tags(tags); !checked) return std::move(checked).error();
  return tags;
}

Result<metadata::NameValues> parse_tagging_document(std::string_view xml) {
  auto document = XmlDocument::parse(xml);
  if (!document) return std::move(document).error();
  const auto set = document->root().child("TagSet");
  if (document->root().name() != "Tagging" || !set) return Errc::malformed_xml;
  metadata::NameValues tags;
  for (const XmlElement& tag : set->children()) {
    if (tag.name() != "Tag" || !tag.child("Key") || !tag.child("Value")) return Errc::malformed_xml;
    tags.emplace_back(tag.child_text("Key"), tag.child_text("Value"));
  }
  if (auto checked = check_tags(tags); !checked) return std::move(checked).error();
  return tags;
}

std::string write_tagging_document(const metadata::NameValues& tags) {
  XmlWriter xml("Tagging");
  xml.open("TagSet");
  // By key: a set has no order of its own, and clients compare what they get with what they gave.
  metadata::NameValues sorted = tags;
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [key, value] : sorted) {
    xml.open("Tag");
    xml.element("Key", key);
    xml.element("Value", value);
    xml.close("Tag");
  }
  xml.close("TagSet");
  return std::move(xml).finish();
}

}  // namespace firn::gateway
