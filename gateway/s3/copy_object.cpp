#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/conditions.h"
#include "s3/copy_source.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/timestamps.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

/// x-amz-metadata-directive or x-amz-tagging-directive: true for COPY, which is also what none means.
Result<bool> keeps_source(const Request& request, std::string_view header, std::string_view what) {
  const std::string_view directive = request.header(header);
  if (directive.empty() || directive == "COPY") return true;
  if (directive == "REPLACE") return false;
  return client_error(Errc::invalid_argument, "Unknown " + std::string(what) + " directive.");
}

Result<ChecksumAlgorithm> asked_algorithm(const Request& request) {
  const std::string_view name = request.header("x-amz-checksum-algorithm");
  return name.empty() ? Result<ChecksumAlgorithm>(ChecksumAlgorithm::none) : parse_checksum_algorithm(name);
}

/// An object may be copied onto itself only to change something about it.
Result<> check_self_copy(const Request& request, const SourceName& source, const objects::CopyRequest& copy) {
  const bool onto_itself = source.bucket == request.bucket && source.key == request.key;
  const bool changes = !copy.keep_attributes || request.has_header("x-amz-storage-class") ||
                       request.has_header("x-amz-website-redirect-location") ||
                       copy.algorithm != ChecksumAlgorithm::none;
  if (!onto_itself || changes) return Unit{};
  return client_error(
      Errc::invalid_request,
      "This copy request is illegal because it is trying to copy an object to itself without changing the "
      "object's metadata, storage class, website redirect location or encryption attributes.");
}

/// All that the headers say, before anything is looked up.
Result<objects::CopyRequest> parse_copy(const Request& request, const SourceName& source) {
  objects::CopyRequest copy{.key = request.key};
  auto keep_attributes = keeps_source(request, "x-amz-metadata-directive", "metadata");
  if (!keep_attributes) return std::move(keep_attributes).error();
  copy.keep_attributes = *keep_attributes;
  auto keep_tags = keeps_source(request, "x-amz-tagging-directive", "tagging");
  if (!keep_tags) return std::move(keep_tags).error();
  copy.keep_tags = *keep_tags;
  auto algorithm = asked_algorithm(request);
  if (!algorithm) return std::move(algorithm).error();
  copy.algorithm = *algorithm;
  auto conditions = write_conditions(request);
  if (!conditions) return std::move(conditions).error();
  copy.conditions = *std::move(conditions);
  auto attributes = request_attributes(request);
  if (!attributes) return std::move(attributes).error();
  copy.attributes = *std::move(attributes);
  if (auto allowed = check_self_copy(request, source, copy); !allowed) return std::move(allowed).error();
  return copy;
}

}  // namespace

// CopyObject: by reference. The source's conditions are decided on the record that is copied.
Task<Reply> copy_object(Request& request) {
  CO_TRY(objects::check_key(request.key));
  CO_TRY(reject_unsupported_write_headers(request));
  CO_TRY(check_expected_owner(request, "x-amz-source-expected-bucket-owner"));
  CO_TRY_LET(auto source, parse_copy_source(request.header("x-amz-copy-source")));
  CO_TRY_LET(auto copy, parse_copy(request, source));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY_LET(const auto source_bucket, co_await request.store->find_bucket(source.bucket));
  copy.bucket = bucket.id;
  copy.source = {.bucket = source_bucket.id,
                 .key = std::move(source.key),
                 .check = [conditions = copy_source_conditions(request)](const metadata::Object& object) {
                   return check_conditions(conditions, object);
                 }};
  CO_TRY_LET(const auto copied, co_await request.store->copy(std::move(copy)));

  XmlWriter xml("CopyObjectResult");
  xml.plain("LastModified", iso8601(copied.committed.modified_ms));
  xml.etag(copied.committed.etag);
  write_checksum(xml, copied.checksum, copied.part_count, true);
  co_return xml_reply(std::move(xml));
}

}  // namespace firn::gateway
