#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/base/result.h"

namespace pugi {
class xml_document;
class xml_node;
}  // namespace pugi

namespace firn::gateway {

/// An element of a client's document. Copies are cheap; valid as long as the document.
class XmlElement {
 public:
  /// Local name: S3 ignores prefixes and name spaces.
  std::string_view name() const;
  /// The text between the tags; empty if there is none.
  std::string_view text() const;
  std::vector<XmlElement> children() const;
  /// The first child of that local name.
  std::optional<XmlElement> child(std::string_view name) const;
  /// Its text; empty if there is no such child.
  std::string_view child_text(std::string_view name) const;

 private:
  friend class XmlDocument;
  explicit XmlElement(void* node) : node_(node) {}
  void* node_;  // pugi::xml_node's own pointer: keeps the library out of this header.
};

/// A client's XML, parsed. Bounded before the parser sees it: no DTD (so no entities but XML's own), no more elements
/// and no deeper nesting than any S3 document needs.
class XmlDocument {
 public:
  /// Errc::malformed_xml for anything that is not one well-formed element.
  static Result<XmlDocument> parse(std::string_view text);
  ~XmlDocument();
  XmlDocument(XmlDocument&&) noexcept;
  XmlDocument& operator=(XmlDocument&&) noexcept;
  XmlElement root() const;

  static constexpr std::size_t kDepthMax = 16;  ///< S3's deepest request documents nest six elements.
  /// CompleteMultipartUpload with 10,000 parts of ETag, PartNumber and a checksum has 40,001 elements.
  static constexpr std::size_t kElementsMax = 100'000;

 private:
  explicit XmlDocument(std::unique_ptr<pugi::xml_document> document);
  std::unique_ptr<pugi::xml_document> document_;
};

}  // namespace firn::gateway
