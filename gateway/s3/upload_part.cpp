#include <boost/algorithm/string/case_conv.hpp>

#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/conditions.h"
#include "s3/copy_source.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/ranges.h"
#include "s3/request_body.h"
#include "s3/timestamps.h"
#include "s3/upload_id.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

/// A part's own checksum must be of the algorithm the upload was made with. An upload that named none takes any: it is
/// verified, and the upload's CRC64NVME kept.
Result<> check_algorithm(const metadata::Upload& upload, const objects::Integrity& integrity) {
  if (!upload.checksum_asked || integrity.stated == ChecksumAlgorithm::none) return Unit{};
  if (integrity.stated == upload.checksum_algorithm) return Unit{};
  const auto lower = [](ChecksumAlgorithm algorithm) {
    return boost::algorithm::to_lower_copy(std::string(spelling(algorithm).name));
  };
  return client_error(Errc::invalid_request,
                      "Checksum Type mismatch occurred, expected checksum Type: " + lower(upload.checksum_algorithm) +
                          ", actual checksum Type: " + lower(integrity.stated));
}

/// A part's checksum is its own, whatever the object's will be of.
void write_part_checksum(XmlWriter& xml, const metadata::Part& part) {
  write_checksum(xml, {.algorithm = part.checksum.algorithm, .value = part.checksum.value}, 0, false);
}

}  // namespace

// UploadPart.
Task<Reply> upload_part(Request& request) {
  CO_TRY(objects::check_key(request.key));
  CO_TRY_LET(const std::uint32_t number, part_number(request));
  CO_TRY_LET(const Uuid id, upload_id(request));
  CO_TRY(reject_unsupported_write_headers(request));
  CO_TRY_LET(const std::uint64_t length, checked_length(request));
  CO_TRY_LET(auto integrity, stated_integrity(request, ChecksumAlgorithm::none));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY_LET(auto upload, co_await request.store->find_upload(bucket.id, request.key, id));
  CO_TRY(check_algorithm(upload, integrity));
  integrity.kept = upload.checksum_algorithm;

  HttpBodySource source(*request.body, length, integrity.stated);
  objects::PartRequest put{.bucket = bucket.id, .key = request.key, .upload = std::move(upload), .number = number};
  put.integrity = std::move(integrity);
  CO_TRY_LET(const auto part, co_await request.store->put_part(std::move(put), source));
  Reply reply;
  reply.add("ETag", quoted(part.etag));
  if (!part.checksum.value.empty()) {
    reply.add(std::string(spelling(part.checksum.algorithm).header),
              checksum_text({.algorithm = part.checksum.algorithm, .value = part.checksum.value}, 0));
  }
  co_return reply;
}

// UploadPartCopy: a part by reference to another object, or to a range of it.
Task<Reply> upload_part_copy(Request& request) {
  CO_TRY(objects::check_key(request.key));
  CO_TRY_LET(const std::uint32_t number, part_number(request));
  CO_TRY_LET(const Uuid id, upload_id(request));
  CO_TRY(reject_unsupported_write_headers(request));
  CO_TRY(check_expected_owner(request, "x-amz-source-expected-bucket-owner"));
  CO_TRY_LET(auto source, parse_copy_source(request.header("x-amz-copy-source")));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY_LET(auto upload, co_await request.store->find_upload(bucket.id, request.key, id));
  CO_TRY_LET(const auto source_bucket, co_await request.store->find_bucket(source.bucket));

  objects::PartCopyRequest copy{.bucket = bucket.id, .key = request.key, .upload = std::move(upload), .number = number};
  copy.source = {.bucket = source_bucket.id,
                 .key = std::move(source.key),
                 .check = [conditions = copy_source_conditions(request)](const metadata::Object& object) {
                   return check_conditions(conditions, object);
                 }};
  if (request.has_header("x-amz-copy-source-range")) {
    copy.range = [range = request.header("x-amz-copy-source-range")](const metadata::Object& object) {
      return resolve_copy_range(range, object.size_bytes);
    };
  }
  CO_TRY_LET(const auto part, co_await request.store->copy_part(std::move(copy)));

  XmlWriter xml("CopyPartResult");
  xml.plain("LastModified", iso8601(part.modified_ms));
  xml.etag(part.etag);
  write_part_checksum(xml, part);
  co_return xml_reply(std::move(xml));
}

}  // namespace firn::gateway
