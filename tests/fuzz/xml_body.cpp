// Any XML body: parsed within its bounds or refused, and every element of what was parsed can be walked.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "firn/base/assert.h"
#include "s3/tagging.h"
#include "s3/xml_reader.h"
#include "s3/xml_writer.h"

namespace {

std::size_t walk(const firn::gateway::XmlElement& element, std::size_t depth) {
  FIRN_ASSERT(depth <= firn::gateway::XmlDocument::kDepthMax);
  std::string escaped;
  firn::gateway::append_xml_escaped(escaped, element.text());
  std::size_t elements = 1;
  for (const auto& child : element.children()) {
    FIRN_ASSERT(element.child(child.name()));
    elements += walk(child, depth + 1);
  }
  return elements;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto document = firn::gateway::XmlDocument::parse(text)) {
    FIRN_ASSERT(walk(document->root(), 1) <= firn::gateway::XmlDocument::kElementsMax);
  }
  if (const auto tags = firn::gateway::parse_tagging_document(text)) {
    // What was accepted is written so that it reads the same again.
    const auto again = firn::gateway::parse_tagging_document(firn::gateway::write_tagging_document(*tags));
    FIRN_ASSERT(again && *again == *tags);
  }
  return 0;
}
