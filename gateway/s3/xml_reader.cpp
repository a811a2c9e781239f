#include "s3/xml_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <utility>

#include "auth/uri_encoding.h"

namespace firn::gateway {

namespace {

pugi::xml_node node_of(void* pointer) { return pugi::xml_node(static_cast<pugi::xml_node_struct*>(pointer)); }

std::string_view local_name(pugi::xml_node node) {
  const std::string_view name = node.name();
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// Whether `reference`, without & and ;, stands for a character that a text may hold.
bool is_known(std::string_view reference) {
  for (const std::string_view name : {"amp", "lt", "gt", "quot", "apos"}) {
    if (reference == name) return true;
  }
  if (!reference.starts_with('#')) return false;
  const bool hexadecimal = reference.starts_with("#x");
  const std::string_view digits = reference.substr(hexadecimal ? 2 : 1);
  constexpr std::uint32_t kSurrogates = 0xD800, kAfterSurrogates = 0xE000, kLast = 0x10FFFF;
  std::uint32_t code = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, failure] = std::from_chars(digits.data(), end, code, hexadecimal ? 16 : 10);
  return failure == std::errc{} && rest == end && code != 0 && code <= kLast &&
         (code < kSurrogates || code >= kAfterSurrogates);
}

/// The parser leaves what it does not know as it is, and ends a text at &#0;: a key would become another.
Result<> check_references(std::string_view text) {
  for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    const std::size_t end = text.find(';', at);
    if (end == std::string_view::npos || !is_known(text.substr(at + 1, end - at - 1))) {
      return error(Errc::malformed_xml, "unknown entity");
    }
  }
  return Unit{};
}

/// A text may come in pieces, around comments and as CDATA: joined, so that no reader takes the first for all of it.
class TextJoiner final : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node& node) override {
    pugi::xml_node first;
    for (pugi::xml_node child = node.first_child(); child;) {
      const pugi::xml_node piece = child;
      child = child.next_sibling();
      if (piece.type() != pugi::node_pcdata && piece.type() != pugi::node_cdata) continue;
      if (!first) {
        first = piece;
        continue;
      }
      first.set_value((std::string(first.value()) + piece.value()).c_str());
      node.remove_child(piece);
    }
    return true;
  }
};

/// Where what begins at `at` and may hold anything ends, or nothing when a tag or text begins there.
std::optional<std::size_t> end_of_opaque(std::string_view text, std::size_t at) {
  constexpr std::pair<std::string_view, std::string_view> kOpaque[] = {
      {"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
  for (const auto& [begin, end] : kOpaque) {
    if (!text.substr(at).starts_with(begin)) continue;
    const auto found = text.find(end, at);
    return found == std::string_view::npos ? text.size() : found + end.size();
  }
  return std::nullopt;
}

/// Nesting and number of elements, counted on the text itself so that no tree is built of a hostile document. Comments
/// and CDATA are stepped over; a DTD and unknown references are refused.
Result<> check_bounds(std::string_view text) {
  std::size_t depth = 0;
  std::size_t elements = 0;
  std::size_t checked = 0;  // References before it are known.
  for (std::size_t at = text.find('<'); at < text.size(); at = text.find('<', at)) {
    if (const auto opaque_end = end_of_opaque(text, at)) {
      if (auto known = check_references(text.substr(checked, at - checked)); !known) return known;
      at = checked = *opaque_end;
      continue;
    }
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("<!")) return error(Errc::malformed_xml, "document type declaration");
    const std::size_t end = std::min(text.find('>', at), text.size() - 1) + 1;
    const bool closing = rest.starts_with("</");
    const bool self_closing = end >= 2 && text[end - 2] == '/';
    if (closing && depth > 0) --depth;
    if (!closing && !self_closing && ++depth > XmlDocument::kDepthMax) return error(Errc::malformed_xml, "too deep");
    if (!closing && ++elements > XmlDocument::kElementsMax) return error(Errc::malformed_xml, "too many elements");
    at = end;
  }
  return check_references(text.substr(checked));
}

}  // namespace

std::string_view XmlElement::name() const { return local_name(node_of(node_)); }

std::string_view XmlElement::text() const { return node_of(node_).text().get(); }

std::vector<XmlElement> XmlElement::children() const {
  std::vector<XmlElement> elements;
  for (const pugi::xml_node child : node_of(node_).children()) {
    if (child.type() == pugi::node_element) elements.push_back(XmlElement(child.internal_object()));
  }
  return elements;
}

std::optional<XmlElement> XmlElement::child(std::string_view name) const {
  for (const pugi::xml_node child : node_of(node_).children()) {
    if (child.type() == pugi::node_element && local_name(child) == name) return XmlElement(child.internal_object());
  }
  return std::nullopt;
}

std::string_view XmlElement::child_text(std::string_view name) const {
  const auto found = child(name);
  return found ? found->text() : std::string_view{};
}

XmlDocument::XmlDocument(std::unique_ptr<pugi::xml_document> document) : document_(std::move(document)) {}
XmlDocument::~XmlDocument() = default;
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlDocument& XmlDocument::operator=(XmlDocument&&) noexcept = default;

Result<XmlDocument> XmlDocument::parse(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return error(Errc::malformed_xml, "NUL");
  if (!is_utf8(text)) return error(Errc::malformed_xml, "not UTF-8");
  if (auto bounded = check_bounds(text); !bounded) return std::move(bounded).error();
  auto document = std::make_unique<pugi::xml_document>();
  // parse_ws_pcdata_single keeps a key that is one space; escapes are the five of XML and character references.
  constexpr unsigned kOptions =
      pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata_single;
  const auto parsed = document->load_buffer(text.data(), text.size(), kOptions, pugi::encoding_utf8);
  if (!parsed) return error(Errc::malformed_xml, parsed.description());
  const pugi::xml_node root = document->document_element();
  if (!root || root.next_sibling()) return error(Errc::malformed_xml, "not one element");
  TextJoiner joiner;
  document->traverse(joiner);
  return XmlDocument(std::move(document));
}

XmlElement XmlDocument::root() const { return XmlElement(document_->document_element().internal_object()); }

}  // namespace firn::gateway
