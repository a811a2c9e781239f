#include <algorithm>

#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/conditions.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/ranges.h"
#include "s3/request_body.h"
#include "s3/upload_id.h"
#include "s3/xml_reader.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

/// 10,000 parts with a number, a tag and a checksum take some 2 MB; S3's documents are indented at times.
constexpr std::size_t kDocumentBytesMax = 8 << 20;

/// The checksum among a <Part>'s children: raw, empty if there is none.
Result<std::string> part_checksum(const XmlElement& part) {
  for (const auto algorithm : {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme,
                               ChecksumAlgorithm::sha1, ChecksumAlgorithm::sha256}) {
    const auto element = part.child(spelling(algorithm).element);
    if (!element || element->text().empty()) continue;
    auto stated = parse_checksum_value(algorithm, element->text());
    if (!stated) return Errc::invalid_part;
    return std::move(stated->value);
  }
  return std::string();
}

Result<metadata::CompletedPart> parse_part(const XmlElement& element) {
  if (element.name() != "Part") return Errc::malformed_xml;
  const auto number = parse_decimal(element.child_text("PartNumber"));
  const auto etag = element.child("ETag");
  if (!number || !etag) return Errc::malformed_xml;
  if (*number == 0 || *number > objects::kPartNumberMax) {
    return client_error(Errc::invalid_argument, "Part number must be an integer between 1 and 10000, inclusive");
  }
  auto checksum = part_checksum(element);
  if (!checksum) return std::move(checksum).error();
  return metadata::CompletedPart{.number = static_cast<std::uint32_t>(*number),
                                 .etag = std::string(unquoted(etag->text())),
                                 .checksum = *std::move(checksum)};
}

/// The parts a client lists. Errc::malformed_xml for none or too many, invalid_part_order.
Result<std::vector<metadata::CompletedPart>> parse_parts(std::string_view document) {
  auto xml = XmlDocument::parse(document);
  if (!xml) return std::move(xml).error();
  if (xml->root().name() != "CompleteMultipartUpload") return Errc::malformed_xml;
  const auto elements = xml->root().children();
  if (elements.empty() || elements.size() > objects::kPartNumberMax) return Errc::malformed_xml;
  std::vector<metadata::CompletedPart> parts;
  parts.reserve(elements.size());
  for (const XmlElement& element : elements) {
    auto part = parse_part(element);
    if (!part) return std::move(part).error();
    if (!parts.empty() && part->number <= parts.back().number) return Errc::invalid_part_order;
    parts.push_back(*std::move(part));
  }
  return parts;
}

/// The checksum and size of the whole that the client states: here the headers are about the object, not the document.
Result<> add_expectations(const Request& request, metadata::CompleteUpload& complete) {
  for (const auto algorithm : {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme,
                               ChecksumAlgorithm::sha1, ChecksumAlgorithm::sha256}) {
    if (!request.has_header(spelling(algorithm).header)) continue;
    auto stated = parse_checksum_value(algorithm, request.header(spelling(algorithm).header));
    if (!stated) return std::move(stated).error();
    complete.expected_checksum = std::move(stated->value);
  }
  const std::string_view size = request.header("x-amz-mp-object-size");
  if (size.empty()) return Unit{};
  complete.expected_size = parse_decimal(size);
  if (complete.expected_size) return Unit{};
  return client_error(Errc::invalid_argument, "Value for x-amz-mp-object-size header is invalid.");
}

/// What can only be said of an upload that is still there: one completed before answers as it did then.
Result<> check_upload(const Request& request, const metadata::Upload& upload,
                      const metadata::CompleteUpload& complete) {
  const std::string_view type = request.header("x-amz-checksum-type");
  if (!type.empty()) {
    auto parsed = parse_checksum_type(type);
    if (!parsed) return std::move(parsed).error();
    if (*parsed != upload.checksum_type) {
      return client_error(Errc::invalid_request,
                          "The upload was created using the " + std::string(spelling(upload.checksum_type)) +
                              " checksum mode. The complete request must use the same checksum mode.");
    }
  }
  if (!upload.checksum_asked || upload.checksum_type != ChecksumType::composite) return Unit{};
  for (const auto& part : complete.parts) {
    if (!part.checksum.empty()) continue;
    const std::string name(spelling(upload.checksum_algorithm).name);
    return client_error(Errc::invalid_request, "The upload was created using a " + name +
                                                   " checksum. The complete request must include the checksum for each "
                                                   "part. It was missing for part " +
                                                   std::to_string(part.number) + " in the request.");
  }
  return Unit{};
}

std::string location_of(const Request& request) {
  return (request.tls ? "https://" : "http://") + request.host + std::string(request.raw_path);
}

}  // namespace

// CompleteMultipartUpload. Tags, sizes and the order of parts are checked in apply, against the parts as they are then.
// A replay of a complete that succeeded answers the same again.
Task<Reply> complete_multipart_upload(Request& request) {
  CO_TRY(objects::check_key(request.key));
  CO_TRY(check_expected_owner(request));
  metadata::CompleteUpload complete{.key = request.key};
  CO_TRY_LET(complete.upload, upload_id(request));
  CO_TRY_LET(complete.conditions, write_conditions(request));
  CO_TRY(add_expectations(request, complete));
  CO_TRY_LET(const std::string document, co_await read_plain_document(request, kDocumentBytesMax));
  CO_TRY_LET(complete.parts, parse_parts(document));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  complete.bucket = bucket.id;
  const auto upload = co_await request.store->find_upload(bucket.id, request.key, complete.upload);
  if (upload) CO_TRY(check_upload(request, *upload, complete));
  const std::size_t part_count = complete.parts.size();
  CO_TRY_LET(const auto completed, co_await request.store->complete_upload(std::move(complete)));

  XmlWriter xml("CompleteMultipartUploadResult");
  xml.element("Location", location_of(request));
  xml.element("Bucket", request.bucket);
  xml.element("Key", request.key);
  xml.etag(completed.committed.etag);
  write_checksum(xml, completed.checksum, part_count, true);
  co_return xml_reply(std::move(xml));
}

// AbortMultipartUpload.
Task<Reply> abort_multipart_upload(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY_LET(const Uuid id, upload_id(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY(co_await request.store->abort_upload(bucket.id, request.key, id));
  co_return Reply{.status = 204};
}

}  // namespace firn::gateway
