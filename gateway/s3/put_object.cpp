#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/conditions.h"
#include "s3/error_reply.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/request_body.h"

namespace firn::gateway {

// PutObject. Everything that can be refused without the body is refused before it is asked for.
Task<Reply> put_object(Request& request) {
  CO_TRY(objects::check_key(request.key));
  if (request.query.has("versionId")) {
    co_return client_error(Errc::invalid_argument, "This operation does not accept a version-id.");
  }
  CO_TRY(reject_unsupported_write_headers(request));
  const auto length = checked_length(request);
  if (length.code() == Errc::entity_too_large) {
    const ErrorElement extra[] = {{"ProposedSize", std::to_string(*request.body->length_bytes())},
                                  {"MaxSizeAllowed", std::to_string(objects::kPutBytesMax)}};
    co_return error_reply(length.error(), request, extra);
  }
  if (!length) co_return length.error();
  objects::PutRequest put{.key = request.key};
  CO_TRY_LET(put.conditions, write_conditions(request));
  CO_TRY_LET(put.attributes, request_attributes(request));
  CO_TRY_LET(put.integrity, stated_integrity(request, ChecksumAlgorithm::crc64nvme));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  put.bucket = bucket.id;

  HttpBodySource source(*request.body, *length, put.integrity.stated);
  CO_TRY_LET(const auto stored, co_await request.store->put(std::move(put), source));

  Reply reply;
  reply.headers.reserve(4);
  reply.add("ETag", quoted(stored.committed.etag));
  add_checksum_headers(reply, stored.checksum, 0);
  co_return reply;
}

}  // namespace firn::gateway
