#include "firn/objects/store.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/request_body.h"
#include "s3/tagging.h"

namespace firn::gateway {

namespace {

/// Ten tags of 128 and 256 characters, escaped.
constexpr std::size_t kDocumentBytesMax = 64 * 1024;

}  // namespace

// GetObjectTagging.
Task<Reply> get_object_tagging(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY(check_version_id(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY_LET(const auto found, co_await request.store->find(bucket.id, request.key));
  Reply reply;
  reply.add("Content-Type", "application/xml");
  reply.content = write_tagging_document(found.object.attributes.tags);
  co_return reply;
}

// PutObjectTagging: replaces all tags.
Task<Reply> put_object_tagging(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY(check_version_id(request));
  CO_TRY_LET(const std::string document, co_await read_document(request, kDocumentBytesMax));
  CO_TRY_LET(auto tags, parse_tagging_document(document));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY(co_await request.store->put_tags(bucket.id, request.key, std::move(tags)));
  co_return Reply{};
}

// DeleteObjectTagging.
Task<Reply> delete_object_tagging(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY(check_version_id(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY(co_await request.store->put_tags(bucket.id, request.key, {}));
  co_return Reply{.status = 204};
}

}  // namespace firn::gateway
