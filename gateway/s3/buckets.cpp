#include <algorithm>

#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "s3/bucket_region.h"
#include "s3/handlers.h"
#include "s3/object_headers.h"
#include "s3/owner.h"
#include "s3/request_body.h"
#include "s3/xml_reader.h"
#include "s3/xml_writer.h"

namespace firn::gateway {

namespace {

/// CreateBucketConfiguration holds one short name.
constexpr std::size_t kConfigurationBytesMax = 16 * 1024;
constexpr std::size_t kLocationBytesMax = 63;

bool is_region_name(std::string_view name) {
  return !name.empty() && name.size() <= kLocationBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// The LocationConstraint of a CreateBucket body. Firn is one place whatever its clients call it, and takes signatures
/// of any region; so any region name is taken and given back, as clients compare it with their own.
Result<std::string> location_constraint(std::string_view document) {
  if (document.empty()) return std::string();
  auto xml = XmlDocument::parse(document);
  if (!xml) return std::move(xml).error();
  const XmlElement root = xml->root();
  if (root.name() != "CreateBucketConfiguration") return Errc::malformed_xml;
  for (const XmlElement& child : root.children()) {
    if (child.name() == "LocationConstraint") continue;
    return client_error(Errc::not_implemented, "CreateBucketConfiguration's " + std::string(child.name()) +
                                                   " implies functionality that is not implemented");
  }
  const std::string location(root.child_text("LocationConstraint"));
  if (location.empty() || location == kUsEast1) return std::string();
  if (!is_region_name(location)) return Errc::invalid_location_constraint;
  return location;
}

/// Headers of CreateBucket that would make another kind of bucket.
Result<> check_create_headers(const Request& request) {
  if (request.header("x-amz-bucket-object-lock-enabled") == "true") {
    return client_error(
        Errc::not_implemented,
        "A header you provided implies functionality that is not implemented: x-amz-bucket-object-lock-enabled");
  }
  const std::string_view ownership = request.header("x-amz-object-ownership");
  if (!ownership.empty() && ownership != "BucketOwnerEnforced") {
    return client_error(Errc::not_implemented,
                        "A header you provided implies functionality that is not implemented: x-amz-object-ownership");
  }
  auto supported = reject_unsupported_write_headers(request);
  // A bucket that is yet to be made has no ACL setting to be at odds with: S3 calls it another mistake.
  if (supported.code() == Errc::access_control_list_not_supported) return Errc::invalid_bucket_acl;
  return supported;
}

void write_grant(XmlWriter& xml, const Identity& owner) {
  xml.open("Grant");
  xml.raw("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">");
  xml.element("ID", owner.canonical_id);
  xml.element("DisplayName", owner.display_name);
  xml.close("Grantee");
  xml.element("Permission", "FULL_CONTROL");
  xml.close("Grant");
}

/// The owner's full control: the only ACL there is.
Reply acl_reply(const Request& request) {
  XmlWriter xml("AccessControlPolicy");
  write_owner(xml, request.identity);
  xml.open("AccessControlList");
  write_grant(xml, request.identity);
  xml.close("AccessControlList");
  return xml_reply(std::move(xml));
}

/// Whether an AccessControlPolicy grants the owner full control and nobody else anything.
Result<bool> grants_owner_only(std::string_view document, const Identity& owner) {
  auto xml = XmlDocument::parse(document);
  if (!xml) return std::move(xml).error();
  const auto list = xml->root().child("AccessControlList");
  if (xml->root().name() != "AccessControlPolicy" || !list) return Errc::malformed_xml;
  const auto grants = list->children();
  return std::all_of(grants.begin(), grants.end(), [&](const XmlElement& grant) {
    const auto grantee = grant.child("Grantee");
    return grantee && grantee->child_text("ID") == owner.canonical_id &&
           grant.child_text("Permission") == "FULL_CONTROL";
  });
}

/// Put…Acl: accepts what says nothing new, in a header or a document; ACLs that would share anything are not supported,
/// as on AWS buckets whose owner is enforced.
Task<Reply> put_acl(Request& request) {
  constexpr std::size_t kPolicyBytesMax = 64 * 1024;  // A hundred grants, S3's limit.
  CO_TRY(reject_unsupported_write_headers(request));
  CO_TRY_LET(const std::string document, co_await read_document(request, kPolicyBytesMax));
  if (!document.empty()) {
    CO_TRY_LET(const bool owner_only, grants_owner_only(document, request.identity));
    if (!owner_only) co_return Errc::access_control_list_not_supported;
  } else if (!request.has_header("x-amz-acl")) {
    co_return Errc::missing_security_header;
  }
  co_return Reply{};
}

}  // namespace

// CreateBucket. Made again by its owner: in us-east-1 AWS answers 200 and elsewhere 409, and so do we by the region the
// gateway goes by. Scripts written for the default region rely on the first, and clients know the second.
Task<Reply> create_bucket(Request& request) {
  CO_TRY(objects::check_bucket_name(request.bucket));
  CO_TRY(check_create_headers(request));
  std::string document;
  if (request.body->length_bytes().value_or(0) > 0) {
    CO_TRY_LET(document, co_await read_document(request, kConfigurationBytesMax));
  }
  CO_TRY_LET(std::string location, location_constraint(document));
  const auto created = co_await request.store->create_bucket(request.bucket, std::move(location));
  const bool again = created.code() == Errc::bucket_already_owned_by_you && request.region == kUsEast1;
  if (!again) CO_TRY(created);
  Reply reply;
  reply.add("Location", "/" + request.bucket);
  co_return reply;
}

// HeadBucket.
Task<Reply> head_bucket(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  Reply reply;
  reply.add("x-amz-bucket-region", std::string(bucket_region(bucket, request.region)));
  reply.add("x-amz-access-point-alias", "false");
  reply.add("Content-Type", "application/xml");
  reply.head_length = 0;
  co_return reply;
}

// DeleteBucket.
Task<Reply> delete_bucket(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY(co_await request.store->delete_bucket(request.bucket));
  co_return Reply{.status = 204};
}

// GetBucketLocation: us-east-1 is an empty element.
Task<Reply> get_bucket_location(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  XmlWriter xml("LocationConstraint");
  const std::string_view region = bucket_region(bucket, request.region);
  if (region != kUsEast1) xml.raw(region);
  co_return xml_reply(std::move(xml));
}

// GetBucketVersioning: a bucket that never had versions answers an empty configuration.
Task<Reply> get_bucket_versioning(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY(co_await request.store->find_bucket(request.bucket));
  co_return xml_reply(XmlWriter("VersioningConfiguration"));
}

// GetBucketAcl.
Task<Reply> get_bucket_acl(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY(co_await request.store->find_bucket(request.bucket));
  co_return acl_reply(request);
}

// PutBucketAcl.
Task<Reply> put_bucket_acl(Request& request) {
  CO_TRY(co_await request.store->find_bucket(request.bucket));
  co_return co_await put_acl(request);
}

// GetBucketPolicy: no bucket has one yet.
Task<Reply> get_bucket_policy(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY(co_await request.store->find_bucket(request.bucket));
  co_return Errc::no_such_bucket_policy;
}

// GetObjectAcl.
Task<Reply> get_object_acl(Request& request) {
  CO_TRY(check_expected_owner(request));
  CO_TRY(check_version_id(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY(co_await request.store->find(bucket.id, request.key));
  co_return acl_reply(request);
}

// PutObjectAcl.
Task<Reply> put_object_acl(Request& request) {
  CO_TRY(check_version_id(request));
  CO_TRY_LET(const auto bucket, co_await request.store->find_bucket(request.bucket));
  CO_TRY(co_await request.store->find(bucket.id, request.key));
  co_return co_await put_acl(request);
}

}  // namespace firn::gateway
