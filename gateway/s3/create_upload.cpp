#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

Error unfit_type(ChecksumType type, ChecksumAlgorithm algorithm) {
  return client_error(Errc::invalid_request, "The " + std::string(spelling(type)) +
                                                 " checksum type cannot be used with the " +
                                                 std::string(spelling(algorithm).name) + " checksum algorithm.");
}

/// Which checksum the upload keeps: what the client names, or CRC64NVME of the whole object.
Result<> choose_checksum(const Request& request, metadata::Upload& upload) {
  const std::string_view algorithm = request.header("x-amz-checksum-algorithm");
  const std::string_view type = request.header("x-amz-checksum-type");
  if (algorithm.empty()) {
    if (!type.empty()) {
      return client_error(Errc::invalid_request,
                          "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
    }
    upload.checksum_algorithm = ChecksumAlgorithm::crc64nvme;
    return Unit{};
  }
  auto parsed = parse_checksum_algorithm(algorithm);
  if (!parsed) return std::move(parsed).error();
  upload.checksum_algorithm = *parsed;
  upload.checksum_asked = true;
  const bool whole_only = *parsed == ChecksumAlgorithm::crc64nvme;
  const bool hash = *parsed == ChecksumAlgorithm::sha1 || *parsed == ChecksumAlgorithm::sha256;
  upload.checksum_type = whole_only ? ChecksumType::full_object : ChecksumType::composite;
  if (!type.empty()) {
    auto asked = parse_checksum_type(type);
    if (!asked) return std::move(asked).error();
    upload.checksum_type = *asked;
  }
  // Hashes of parts can't be put together to one of the whole, and a CRC64NVME always can.
  if (hash && upload.checksum_type == ChecksumType::full_object) return unfit_type(upload.checksum_type, *parsed);
  if (whole_only && upload.checksum_type == ChecksumType::composite) return unfit_type(upload.checksum_type, *parsed);
  return Unit{};
}

}  // namespace

// CreateMultipartUpload.
Task<Reply> create_multipart_upload(Request& request) {
  CO_TRY(objects::check_key(request.key));
  CO_TRY(reject_unsupported_write_headers(request));
  metadata::Upload upload{.key = request.key};
  CO_TRY_LET(upload.attributes, request_attributes(request));
  CO_TRY(choose_checksum(request, upload));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY_LET(const auto created, co_await request.store->create_upload(bucket.id, std::move(upload)));

  XmlWriter xml("InitiateMultipartUploadResult");
  xml.element("Bucket", request.bucket);
  xml.element("Key", request.key);
  xml.plain("UploadId", to_string(created.id));
  Reply reply = xml_reply(std::move(xml));
  if (created.checksum_asked) {
    reply.add("x-amz-checksum-algorithm", std::string(spelling(created.checksum_algorithm).name));
    reply.add("x-amz-checksum-type", std::string(spelling(created.checksum_type)));
  }
  co_return reply;
}

}  // namespace firn::gateway
