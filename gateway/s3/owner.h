#pragma once

#include <string_view>
#include <utility>

#include "s3/request.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

/// <Owner>, or the same under another tag (<Initiator>).
inline void write_owner(XmlWriter& xml, const Identity& identity, std::string_view tag = "Owner") {
  xml.open(tag);
  xml.element("ID", identity.canonical_id);
  xml.element("DisplayName", identity.display_name);
  xml.close(tag);
}

/// 200 with a document.
inline Reply xml_reply(XmlWriter xml) {
  Reply reply;
  reply.add("Content-Type", "application/xml");
  reply.content = std::move(xml).finish();
  return reply;
}

}  // namespace firn::gateway
