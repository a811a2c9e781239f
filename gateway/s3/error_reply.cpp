#include "s3/error_reply.h"

#include <algorithm>
#include <array>

#include "firn/objects/names.h"
#include "s3/conditions.h"
#include "s3/s3_errors.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

std::string_view query_value(const Request& request, std::string_view name) {
  const std::string* value = request.query.find(name);
  return value ? std::string_view(*value) : std::string_view{};
}

/// The elements AWS adds for a code, as far as the request itself knows them.
void add_known_elements(XmlWriter& xml, const Error& failure, const Request& request) {
  switch (failure.code) {
    case Errc::no_such_bucket:
    case Errc::no_such_bucket_policy:
    case Errc::bucket_already_exists:
    case Errc::bucket_already_owned_by_you:
    case Errc::bucket_not_empty:
    case Errc::invalid_bucket_name:
      xml.optional("BucketName", request.bucket);
      return;
    case Errc::no_such_key:
      xml.optional("Key", request.key);
      return;
    case Errc::no_such_version:
      xml.optional("Key", request.key);
      xml.optional("VersionId", query_value(request, "versionId"));
      return;
    case Errc::no_such_upload:
      xml.optional("UploadId", query_value(request, "uploadId"));
      return;
    case Errc::invalid_part:
      xml.optional("UploadId", query_value(request, "uploadId"));
      return;
    case Errc::precondition_failed:
      xml.optional("Condition", failed_condition(failure, request));
      return;
    case Errc::key_too_long:
      xml.number("Size", request.key.size());
      xml.number("MaxSizeAllowed", objects::kKeyBytesMax);
      return;
    case Errc::method_not_allowed:
      xml.element("Method", std::string_view(boost::beast::http::to_string(request.method)));
      xml.element("ResourceType", request.bucket.empty() ? "SERVICE" : request.key.empty() ? "BUCKET" : "OBJECT");
      return;
    default:
      return;
  }
}

}  // namespace

Reply error_reply(const Error& failure, const Request& request) { return error_reply(failure, request, {}); }

Reply error_reply(const Error& failure, const Request& request, std::span<const ErrorElement> extra) {
  const S3ErrorRow& row = s3_error(failure.code);
  Reply reply{.status = row.status};
  if (failure.code == Errc::not_modified) return reply;  // 304 never has a body.
  reply.add("Content-Type", "application/xml");
  if (request.method == Verb::head) {
    reply.head_length = 0;
    return reply;
  }
  XmlWriter xml("Error", {});
  xml.plain("Code", row.code);
  xml.element("Message", failure.message.empty() ? row.message : std::string_view(failure.message));
  add_known_elements(xml, failure, request);
  for (const ErrorElement& element : extra) xml.element(element.name, element.text);
  xml.element("Resource", request.raw_path);
  xml.element("RequestId", request.request_id);
  xml.element("HostId", request.host_id);
  reply.content = std::move(xml).finish();
  return reply;
}

}  // namespace firn::gateway
