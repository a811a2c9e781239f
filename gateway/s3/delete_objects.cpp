#include <algorithm>

#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/conditions.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/request_body.h"
#include "s3/s3_errors.h"
#include "s3/xml_reader.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

constexpr std::size_t kKeysMax = 1000;  // S3's limit.
/// A thousand keys of 1,024 bytes, half of them escaped, with tags and version ids.
constexpr std::size_t kDocumentBytesMax = 4 << 20;

/// One <Object> of the request, and what has become of it.
struct Item {
  std::string key, version_id, etag;
  std::optional<Error> failure;
};

Item parse_item(const XmlElement& object) {
  Item item{.key = std::string(object.child_text("Key")),
            .version_id = std::string(object.child_text("VersionId")),
            .etag = std::string(unquoted(object.child_text("ETag")))};
  if (object.child("LastModifiedTime") || object.child("Size")) {
    item.failure = client_error(Errc::not_implemented, "Conditions on time and size are for directory buckets only");
  } else if (auto key = objects::check_key(item.key); !key) {
    item.failure = key.error();
  } else if (auto version = check_version_id(item.version_id); !version) {
    item.failure = version.error();
  }
  return item;
}

struct DeleteDocument {
  std::vector<Item> items;
  bool quiet = false;
};

Result<DeleteDocument> parse_document(std::string_view text) {
  auto xml = XmlDocument::parse(text);
  if (!xml) return std::move(xml).error();
  if (xml->root().name() != "Delete") return Errc::malformed_xml;
  DeleteDocument document;
  for (const XmlElement& child : xml->root().children()) {
    if (child.name() == "Quiet") {
      document.quiet = child.text() == "true";
    } else if (child.name() != "Object" || !child.child("Key")) {
      return Errc::malformed_xml;
    } else if (document.items.size() == kKeysMax) {
      return Errc::malformed_xml;
    } else {
      document.items.push_back(parse_item(child));
    }
  }
  if (document.items.empty()) return Errc::malformed_xml;
  return document;
}

/// Deletes what can be deleted, in one command and in the order asked, and notes the failures.
Task<> delete_items(Request& request, std::vector<Item>& items) {
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  std::vector<metadata::DeleteObject> deletes;
  deletes.reserve(items.size());
  for (const Item& item : items) {
    if (!item.failure) deletes.push_back({.key = item.key, .conditions = {.if_match = item.etag}});
  }
  if (deletes.empty()) co_return Unit{};
  CO_TRY_LET(const auto results, co_await request.store->remove(bucket.id, std::move(deletes)));
  auto result = results.begin();
  for (Item& item : items) {
    if (item.failure) continue;
    if (result == results.end()) co_return error(Errc::internal, "fewer results than deletes");
    if (result->failure) item.failure = Error{*result->failure, {}, {}};
    ++result;
  }
  co_return Unit{};
}

void write_failure(XmlWriter& xml, const Item& item) {
  const S3ErrorRow& row = s3_error(item.failure->code);
  xml.open("Error");
  xml.element("Key", item.key);
  xml.optional("VersionId", item.version_id);
  xml.plain("Code", row.code);
  xml.element("Message", item.failure->message.empty() ? row.message : std::string_view(item.failure->message));
  xml.close("Error");
}

}  // namespace

// DeleteObjects. The document is taken only with a digest: a flipped bit would delete something else.
Task<Reply> delete_objects(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY_LET(const std::string text, co_await read_document(request, kDocumentBytesMax, true));
  CO_TRY_LET(auto document, parse_document(text));
  CO_TRY(co_await delete_items(request, document.items));

  XmlWriter xml("DeleteResult");
  for (const Item& item : document.items) {
    if (item.failure) {
      write_failure(xml, item);
    } else if (!document.quiet) {
      xml.open("Deleted");
      xml.element("Key", item.key);
      xml.optional("VersionId", item.version_id);
      xml.close("Deleted");
    }
  }
  co_return xml_reply(std::move(xml));
}

// DeleteObject. Without a condition, removing what is not there succeeds.
Task<Reply> delete_object(Request& request) {
  CO_TRY(objects::check_key(request.key));
  CO_TRY(check_expected_owner(request));
  for (const std::string_view name : {"x-amz-if-match-last-modified-time", "x-amz-if-match-size"}) {
    if (request.has_header(name)) {
      co_return client_error(
          Errc::not_implemented,
          "A header you provided implies functionality that is not implemented: " + std::string(name));
    }
  }
  CO_TRY(check_version_id(request));
  CO_TRY_LET(auto conditions, write_conditions(request));
  if (!conditions.if_none_match.empty()) {
    co_return client_error(Errc::not_implemented,
                           "A header you provided implies functionality that is not implemented: If-None-Match");
  }
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  std::vector<metadata::DeleteObject> deletes;
  deletes.push_back({.key = request.key, .conditions = std::move(conditions)});
  CO_TRY_LET(const auto results, co_await request.store->remove(bucket.id, std::move(deletes)));
  if (results.size() != 1) co_return error(Errc::internal, "one delete, not one result");
  if (results.front().failure) co_return *results.front().failure;
  co_return Reply{.status = 204};
}

}  // namespace firn::gateway
