#include "firn/base/digest.h"
#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/checksum_headers.h"
#include "s3/conditions.h"
#include "s3/error_reply.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/part_range.h"
#include "s3/ranges.h"
#include "s3/timestamps.h"

namespace firn::gateway {

namespace {

/// Records read before giving up on an object that is replaced faster than its first byte can be fetched.
constexpr int kAttemptsMax = 4;

/// An object's bytes as a reply's body.
class ObjectBody final : public ReplyBody {
 public:
  explicit ObjectBody(std::unique_ptr<objects::ObjectReader> reader) : reader_(std::move(reader)) {}
  std::uint64_t length_bytes() const override { return reader_->length_bytes(); }
  Task<ByteView> next() override { return reader_->next(); }

 private:
  std::unique_ptr<objects::ObjectReader> reader_;
};

/// What GET and HEAD answer for an object as found, before any byte is fetched.
struct Answer {
  Reply reply;
  std::optional<ByteRange> range;  ///< Of the object's bytes; missing when the reply has none (304, 412, 416).
};

Answer failed(const Error& failure, const Request& request, const metadata::Object& object) {
  Answer answer;
  if (failure.code == Errc::invalid_range) {
    const ErrorElement extra[] = {{"RangeRequested", std::string(request.header("Range"))},
                                  {"ActualObjectSize", std::to_string(object.size_bytes)}};
    answer.reply = error_reply(failure, request, extra);
    answer.reply.add("Content-Range", "bytes */" + std::to_string(object.size_bytes));
    return answer;
  }
  answer.reply = error_reply(failure, request);
  if (failure.code == Errc::not_modified) {
    answer.reply.add("ETag", quoted(object.etag));
    answer.reply.add("Last-Modified", http_date(object.modified_ms));
  }
  return answer;
}

/// The checksum that fits the bytes sent: the object's for all of it, the part's for a part, none for any other range.
void add_asked_checksum(Reply& reply, const Request& request, const metadata::Object& object, const PartRange& part,
                        bool ranged) {
  if (request.header("x-amz-checksum-mode") != "ENABLED" || ranged) return;
  if (!part.info) return add_checksum_headers(reply, object.checksum, object.parts.size());
  if (object.checksum.algorithm == ChecksumAlgorithm::none || part.info->checksum.empty()) return;
  const auto& spelled = spelling(object.checksum.algorithm);
  reply.add(std::string(spelled.header), to_base64(part.info->checksum));
  reply.add("x-amz-checksum-type", std::string(spelling(object.checksum.type)));  // Of the object, as S3 says it.
}

Answer answer_for(const Request& request, const metadata::Object& object) {
  if (auto held = check_conditions(read_conditions(request), object); !held) {
    return failed(held.error(), request, object);
  }
  const auto part = asked_part(request, object);
  if (!part) return failed(part.error(), request, object);
  auto range = part->range ? Result<std::optional<ByteRange>>(part->range)
                           : resolve_range(request.header("Range"), object.size_bytes);
  if (!range) return failed(range.error(), request, object);

  Answer answer{.range = range->value_or(ByteRange{0, object.size_bytes})};
  Reply& reply = answer.reply;
  add_object_headers(reply, object);
  if (*range && answer.range->length > 0) {  // Part 1 of an empty object is all of it: there is no such Content-Range.
    reply.status = 206;
    reply.add("Content-Range", content_range(*answer.range, object.size_bytes));
  }
  if (part->number && !object.parts.empty()) reply.add("x-amz-mp-parts-count", std::to_string(object.parts.size()));
  add_asked_checksum(reply, request, object, *part, *range && !part->range);
  if (auto applied = apply_response_overrides(reply, request); !applied)
    return {error_reply(applied.error(), request), {}};
  return answer;
}

Result<> check_read_request(const Request& request) {
  if (auto key = objects::check_key(request.key); !key) return key;
  if (auto supported = reject_unsupported_read_headers(request); !supported) return supported;
  return check_version_id(request);
}

}  // namespace

// GetObject. The record decides all that the answer's head says; if the bytes it names are gone before the first of
// them was fetched, the object was replaced meanwhile and everything is decided anew.
Task<Reply> get_object(Request& request) {
  CO_TRY(check_read_request(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  for (int attempt = 1;; ++attempt) {
    CO_TRY_LET(const auto found, co_await request.store->find_with_bodies(bucket.id, request.key));
    Answer answer = answer_for(request, found.object);
    if (!answer.range) co_return std::move(answer.reply);
    CO_TRY_LET(auto reader, request.store->read(found, *answer.range));
    const auto prepared = co_await reader->prepare();
    if (prepared.code() == Errc::not_found && attempt < kAttemptsMax) continue;
    CO_TRY(prepared);
    answer.reply.stream = std::make_unique<ObjectBody>(std::move(reader));
    co_return std::move(answer.reply);
  }
}

// HeadObject: GetObject without the bytes.
Task<Reply> head_object(Request& request) {
  CO_TRY(check_read_request(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY_LET(const auto found, co_await request.store->find(bucket.id, request.key));
  Answer answer = answer_for(request, found.object);
  if (answer.range) answer.reply.head_length = answer.range->length;
  co_return std::move(answer.reply);
}

}  // namespace firn::gateway
