#include "s3/xml_reader.h"

#include <pugixml.hpp>

namespace firn::gateway {

namespace {

pugi::xml_node node_of(void* pointer) { return pugi::xml_node(static_cast<pugi::xml_node_struct*>(pointer)); }

std::string_view local_name(pugi::xml_node node) {
  const std::string_view name = node.name();
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// Nesting and number of elements, counted on the text itself so that no tree is built of a hostile document. Comments
/// and CDATA may hold anything and are stepped over; a DTD is refused.
Result<> check_bounds(std::string_view text) {
  std::size_t depth = 0;
  std::size_t elements = 0;
  const auto skip_past = [&](std::size_t from, std::string_view end) {
    const auto found = text.find(end, from);
    return found == std::string_view::npos ? text.size() : found + end.size();
  };
  for (std::size_t at = text.find('<'); at < text.size(); at = text.find('<', at)) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("<!--")) {
      at = skip_past(at, "-->");
    } else if (rest.starts_with("<![CDATA[")) {
      at = skip_past(at, "]]>");
    } else if (rest.starts_with("<?")) {
      at = skip_past(at, "?>");
    } else if (rest.starts_with("<!")) {
      return error(Errc::malformed_xml, "document type declaration");
    } else {
      const std::size_t end = skip_past(at, ">");
      const bool closing = rest.starts_with("</");
      const bool self_closing = end >= 2 && text[end - 2] == '/';
      if (closing && depth > 0) --depth;
      if (!closing && !self_closing && ++depth > XmlDocument::kDepthMax) return error(Errc::malformed_xml, "too deep");
      if (!closing && ++elements > XmlDocument::kElementsMax) return error(Errc::malformed_xml, "too many elements");
      at = end;
    }
  }
  return Unit{};
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
  if (auto bounded = check_bounds(text); !bounded) return std::move(bounded).error();
  auto document = std::make_unique<pugi::xml_document>();
  // parse_ws_pcdata_single keeps a key that is one space; escapes are the five of XML and character references.
  constexpr unsigned kOptions =
      pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata_single;
  const auto parsed = document->load_buffer(text.data(), text.size(), kOptions, pugi::encoding_utf8);
  if (!parsed) return error(Errc::malformed_xml, parsed.description());
  const pugi::xml_node root = document->document_element();
  if (!root || root.next_sibling()) return error(Errc::malformed_xml, "not one element");
  return XmlDocument(std::move(document));
}

XmlElement XmlDocument::root() const { return XmlElement(document_->document_element().internal_object()); }

}  // namespace firn::gateway
