#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/handlers.h"
#include "s3/list_query.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/ranges.h"
#include "s3/timestamps.h"
#include "s3/upload_id.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

constexpr std::uint32_t kPartsPageMax = 1000;

void write_upload(XmlWriter& xml, const metadata::Upload& upload, const Request& request,
                  const ListParameters& parameters) {
  xml.open("Upload");
  xml.element("Key", parameters.shown(upload.key));
  xml.plain("UploadId", to_string(upload.id));
  write_owner(xml, request.identity, "Initiator");
  write_owner(xml, request.identity);
  xml.plain("StorageClass", shown_storage_class(upload.attributes.storage_class));
  xml.plain("Initiated", iso8601(upload.initiated_ms));
  if (upload.checksum_algorithm != ChecksumAlgorithm::none) {
    xml.plain("ChecksumAlgorithm", spelling(upload.checksum_algorithm).name);
    xml.plain("ChecksumType", spelling(upload.checksum_type));
  }
  xml.close("Upload");
}

/// An upload-id-marker counts with a key-marker only; one that is no id of ours sorts before all of them.
metadata::UploadQuery query_of(const Request& request, const ListParameters& parameters) {
  metadata::UploadQuery query{
      .prefix = parameters.prefix, .delimiter = parameters.delimiter, .max_uploads = parameters.max_keys};
  if (const auto* marker = request.query.find("key-marker")) query.key_marker = *marker;
  const auto* id = request.query.find("upload-id-marker");
  Uuid parsed;
  if (id && !query.key_marker.empty() && parse(*id, parsed)) query.upload_id_marker = parsed;
  return query;
}

}  // namespace

// ListMultipartUploads.
Task<Reply> list_multipart_uploads(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY_LET(const auto parameters, list_parameters(request, "max-uploads"));
  auto query = query_of(request, parameters);
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  query.bucket = bucket.id;
  const std::string key_marker = query.key_marker;
  const auto id_marker = query.upload_id_marker;
  metadata::UploadPage page;
  if (parameters.max_keys > 0) {
    CO_TRY_LET(page, co_await request.store->list_uploads(std::move(query)));
  }

  XmlWriter xml("ListMultipartUploadsResult");
  xml.element("Bucket", request.bucket);
  xml.element("KeyMarker", parameters.shown(key_marker));
  xml.element("UploadIdMarker", id_marker ? to_string(*id_marker) : std::string());
  if (page.truncated) {
    xml.element("NextKeyMarker", parameters.shown(page.next_key_marker));
    xml.element("NextUploadIdMarker",
                page.next_upload_id_marker ? to_string(*page.next_upload_id_marker) : std::string());
  }
  xml.element("Prefix", parameters.shown(parameters.prefix));
  if (!parameters.delimiter.empty()) xml.element("Delimiter", parameters.shown(parameters.delimiter));
  if (parameters.url_encoded) xml.element("EncodingType", "url");
  xml.number("MaxUploads", parameters.max_keys);
  xml.boolean("IsTruncated", page.truncated);
  for (const auto& upload : page.uploads) write_upload(xml, upload, request, parameters);
  for (const auto& prefix : page.common_prefixes) {
    xml.open("CommonPrefixes");
    xml.element("Prefix", parameters.shown(prefix));
    xml.close("CommonPrefixes");
  }
  co_return xml_reply(std::move(xml));
}

// ListParts.
Task<Reply> list_parts(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY_LET(const Uuid id, upload_id(request));
  CO_TRY_LET(const std::uint32_t max_parts, page_size(request, "max-parts", kPartsPageMax));
  CO_TRY_LET(const auto parameters, list_parameters(request, "max-keys"));
  std::uint32_t marker = 0;
  if (const auto* text = request.query.find("part-number-marker"); text && !text->empty()) {
    const auto number = parse_decimal(*text);
    if (!number || *number > std::numeric_limits<std::int32_t>::max()) {
      co_return client_error(Errc::invalid_argument,
                             "Argument part-number-marker must be an integer between 0 and 2147483647");
    }
    marker = static_cast<std::uint32_t>(*number);
  }
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY_LET(const auto page, co_await request.store->list_parts(bucket.id, request.key, id, marker, max_parts));

  XmlWriter xml("ListPartsResult");
  xml.element("Bucket", request.bucket);
  xml.element("Key", parameters.shown(request.key));
  xml.plain("UploadId", to_string(id));
  write_owner(xml, request.identity, "Initiator");
  write_owner(xml, request.identity);
  xml.plain("StorageClass", shown_storage_class(page.upload.attributes.storage_class));
  xml.number("PartNumberMarker", marker);
  if (page.truncated) xml.number("NextPartNumberMarker", page.next_part_number_marker);
  xml.number("MaxParts", max_parts);
  xml.boolean("IsTruncated", page.truncated);
  if (page.upload.checksum_algorithm != ChecksumAlgorithm::none) {
    xml.plain("ChecksumAlgorithm", spelling(page.upload.checksum_algorithm).name);
    xml.plain("ChecksumType", spelling(page.upload.checksum_type));
  }
  for (const auto& part : page.parts) {
    xml.open("Part");
    xml.number("PartNumber", part.number);
    xml.plain("LastModified", iso8601(part.modified_ms));
    xml.etag(part.etag);
    xml.number("Size", part.size_bytes);
    write_checksum(xml, {.algorithm = part.checksum.algorithm, .value = part.checksum.value}, 0, false);
    xml.close("Part");
  }
  co_return xml_reply(std::move(xml));
}

}  // namespace firn::gateway
