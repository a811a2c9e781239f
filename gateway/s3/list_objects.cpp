#include <algorithm>

#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/handlers.h"
#include "s3/list_query.h"
#include "s3/list_token.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/timestamps.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

/// Bytes an entry takes besides its key, measured on listings with owners: the document grows without moving.
constexpr std::size_t kEntryBytes = 480;

std::string parameter(const Request& request, std::string_view name) {
  const std::string* value = request.query.find(name);
  return value ? *value : std::string();
}

/// One page; nothing is asked when nothing is wanted. The delimiter comes along so that a page of none still names it.
Task<metadata::ListPage> find_page(Request& request, const ListParameters& parameters, std::string start_after) {
  CO_TRY(check_expected_owner(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  if (parameters.max_keys == 0) co_return metadata::ListPage{};
  metadata::ListQuery query{.bucket = bucket.id,
                            .prefix = parameters.prefix,
                            .delimiter = parameters.delimiter,
                            .start_after = std::move(start_after),
                            .max_keys = parameters.max_keys};
  co_return co_await request.store->list(std::move(query));
}

void reserve_for(XmlWriter& xml, const metadata::ListPage& page) {
  std::size_t bytes = 1024;
  for (const auto& entry : page.entries) bytes += kEntryBytes + entry.key.size();
  for (const auto& prefix : page.common_prefixes) bytes += 64 + prefix.size();
  xml.reserve(bytes);
}

/// What an object's entry holds after its key, alike in all three listings.
void write_entry(XmlWriter& xml, const metadata::ListEntry& entry, const Identity* owner) {
  xml.plain("LastModified", iso8601(entry.modified_ms));
  xml.etag(entry.etag);
  if (entry.checksum_algorithm != ChecksumAlgorithm::none) {
    xml.plain("ChecksumAlgorithm", spelling(entry.checksum_algorithm).name);
    xml.plain("ChecksumType", spelling(entry.checksum_type));
  }
  xml.number("Size", entry.size_bytes);
  if (owner) write_owner(xml, *owner);
  xml.plain("StorageClass", shown_storage_class(entry.storage_class));
}

void write_contents(XmlWriter& xml, const metadata::ListPage& page, const ListParameters& parameters,
                    const Identity* owner) {
  for (const auto& entry : page.entries) {
    xml.open("Contents");
    if (parameters.url_encoded) {
      xml.plain("Key", url_encode_listing(entry.key));
    } else {
      xml.element("Key", entry.key);
    }
    write_entry(xml, entry, owner);
    xml.close("Contents");
  }
}

void write_common_prefixes(XmlWriter& xml, const metadata::ListPage& page, const ListParameters& parameters) {
  for (const auto& prefix : page.common_prefixes) {
    xml.open("CommonPrefixes");
    xml.element("Prefix", parameters.shown(prefix));
    xml.close("CommonPrefixes");
  }
}

}  // namespace

// ListObjects: pages by key; NextMarker only with a delimiter, as S3 documents it.
Task<Reply> list_objects(Request& request) {
  CO_TRY_LET(const auto parameters, list_parameters(request, "max-keys"));
  const std::string marker = parameter(request, "marker");
  CO_TRY_LET(const auto page, co_await find_page(request, parameters, marker));

  XmlWriter xml("ListBucketResult");
  reserve_for(xml, page);
  xml.element("Name", request.bucket);
  xml.element("Prefix", parameters.shown(parameters.prefix));
  xml.element("Marker", parameters.shown(marker));
  if (page.truncated && !parameters.delimiter.empty()) xml.element("NextMarker", parameters.shown(page.next));
  xml.number("MaxKeys", parameters.max_keys);
  if (!parameters.delimiter.empty()) xml.element("Delimiter", parameters.shown(parameters.delimiter));
  xml.boolean("IsTruncated", page.truncated);
  if (parameters.url_encoded) xml.element("EncodingType", "url");
  write_contents(xml, page, parameters, &request.identity);
  write_common_prefixes(xml, page, parameters);
  co_return xml_reply(std::move(xml));
}

// ListObjectsV2: pages by an opaque token; owners only when asked for.
Task<Reply> list_objects_v2(Request& request) {
  if (parameter(request, "list-type") != "2") {
    co_return client_error(Errc::invalid_argument, "Invalid List Type specified in Request");
  }
  CO_TRY_LET(const auto parameters, list_parameters(request, "max-keys"));
  const std::string start_after = parameter(request, "start-after");
  const std::string* token = request.query.find("continuation-token");
  std::string from = start_after;
  if (token && !token->empty()) {
    CO_TRY_LET(from, decode_list_token(*token));
  }
  CO_TRY_LET(const auto page, co_await find_page(request, parameters, std::move(from)));

  XmlWriter xml("ListBucketResult");
  reserve_for(xml, page);
  xml.element("Name", request.bucket);
  xml.element("Prefix", parameters.shown(parameters.prefix));
  if (token) xml.element("ContinuationToken", *token);
  if (page.truncated) xml.plain("NextContinuationToken", encode_list_token(page.next));
  if (!start_after.empty()) xml.element("StartAfter", parameters.shown(start_after));
  xml.number("KeyCount", page.entries.size() + page.common_prefixes.size());
  xml.number("MaxKeys", parameters.max_keys);
  if (!parameters.delimiter.empty()) xml.element("Delimiter", parameters.shown(parameters.delimiter));
  xml.boolean("IsTruncated", page.truncated);
  if (parameters.url_encoded) xml.element("EncodingType", "url");
  write_contents(xml, page, parameters, parameter(request, "fetch-owner") == "true" ? &request.identity : nullptr);
  write_common_prefixes(xml, page, parameters);
  co_return xml_reply(std::move(xml));
}

// ListObjectVersions of a bucket without versions: each object is its own only version, "null". Tools that empty a
// bucket ask for this listing whether or not it ever had versions.
Task<Reply> list_object_versions(Request& request) {
  CO_TRY_LET(const auto parameters, list_parameters(request, "max-keys"));
  const std::string marker = parameter(request, "key-marker");
  const std::string version_marker = parameter(request, "version-id-marker");
  if (marker.empty() && !version_marker.empty()) {
    co_return client_error(Errc::invalid_argument, "A version-id marker cannot be specified without a key marker.");
  }
  CO_TRY(check_version_id(version_marker));
  CO_TRY_LET(const auto page, co_await find_page(request, parameters, marker));

  XmlWriter xml("ListVersionsResult");
  reserve_for(xml, page);
  xml.element("Name", request.bucket);
  xml.element("Prefix", parameters.shown(parameters.prefix));
  xml.element("KeyMarker", parameters.shown(marker));
  xml.element("VersionIdMarker", version_marker);
  if (page.truncated) {
    xml.element("NextKeyMarker", parameters.shown(page.next));
    xml.element("NextVersionIdMarker", "null");
  }
  xml.number("MaxKeys", parameters.max_keys);
  if (!parameters.delimiter.empty()) xml.element("Delimiter", parameters.shown(parameters.delimiter));
  xml.boolean("IsTruncated", page.truncated);
  if (parameters.url_encoded) xml.element("EncodingType", "url");
  for (const auto& entry : page.entries) {
    xml.open("Version");
    xml.element("Key", parameters.shown(entry.key));
    xml.element("VersionId", "null");
    xml.boolean("IsLatest", true);
    write_entry(xml, entry, &request.identity);
    xml.close("Version");
  }
  write_common_prefixes(xml, page, parameters);
  co_return xml_reply(std::move(xml));
}

}  // namespace firn::gateway
