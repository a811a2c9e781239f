#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "firn/base/errc.h"

namespace firn::gateway {

/// S3's answer to a failure.
struct S3ErrorRow {
  Errc errc;
  unsigned status;
  std::string_view code;
  std::string_view message;
};

/// One row per Errc, in Errc order. What is our own trouble is said in S3's words for "try again" or "it is us".
inline constexpr auto kS3Errors = std::to_array<S3ErrorRow>({
    {Errc::internal, 500, "InternalError", "We encountered an internal error. Please try again."},
    {Errc::io_error, 500, "InternalError", "We encountered an internal error. Please try again."},
    {Errc::drive_out, 503, "ServiceUnavailable", "Service is unable to handle request."},
    {Errc::drive_full, 507, "InsufficientStorage", "There is not enough free space to store the object."},
    {Errc::corrupt, 500, "InternalError", "We encountered an internal error. Please try again."},
    {Errc::not_found, 500, "InternalError", "We encountered an internal error. Please try again."},
    {Errc::already_exists, 500, "InternalError", "We encountered an internal error. Please try again."},
    {Errc::stale_epoch, 503, "ServiceUnavailable", "Service is unable to handle request."},
    {Errc::stale_lease, 503, "ServiceUnavailable", "Service is unable to handle request."},
    {Errc::unsupported_version, 500, "InternalError", "We encountered an internal error. Please try again."},
    {Errc::ambiguous, 500, "InternalError", "We encountered an internal error. Please try again."},
    {Errc::cancelled, 503, "ServiceUnavailable", "Service is unable to handle request."},
    {Errc::source_changed, 503, "SlowDown", "Please reduce your request rate."},

    {Errc::slow_down, 503, "SlowDown", "Please reduce your request rate."},
    {Errc::durability_unavailable, 503, "ServiceUnavailable",
     "Too few drives are available to store the object safely."},
    {Errc::insufficient_storage, 507, "InsufficientStorage", "There is not enough free space to store the object."},
    {Errc::request_timeout, 400, "RequestTimeout",
     "Your socket connection to the server was not read from or written to within the timeout period."},

    {Errc::access_denied, 403, "AccessDenied", "Access Denied"},
    {Errc::invalid_access_key_id, 403, "InvalidAccessKeyId",
     "The AWS Access Key Id you provided does not exist in our records."},
    {Errc::signature_does_not_match, 403, "SignatureDoesNotMatch",
     "The request signature we calculated does not match the signature you provided. Check your key and signing "
     "method."},
    {Errc::request_time_too_skewed, 403, "RequestTimeTooSkewed",
     "The difference between the request time and the current time is too large."},
    {Errc::request_expired, 403, "AccessDenied", "Request has expired"},
    {Errc::authorization_header_malformed, 400, "AuthorizationHeaderMalformed",
     "The authorization header that you provided is not valid."},
    {Errc::authorization_query_parameters_error, 400, "AuthorizationQueryParametersError",
     "Error parsing the X-Amz-Credential parameter."},
    {Errc::missing_security_header, 400, "MissingSecurityHeader", "Your request was missing a required header"},
    {Errc::invalid_token, 400, "InvalidToken", "The provided token is malformed or otherwise invalid."},

    {Errc::no_such_bucket, 404, "NoSuchBucket", "The specified bucket does not exist"},
    {Errc::no_such_key, 404, "NoSuchKey", "The specified key does not exist."},
    {Errc::no_such_version, 404, "NoSuchVersion", "The specified version does not exist."},
    {Errc::no_such_upload, 404, "NoSuchUpload",
     "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
     "completed."},
    {Errc::no_such_bucket_policy, 404, "NoSuchBucketPolicy", "The bucket policy does not exist"},
    {Errc::bucket_already_exists, 409, "BucketAlreadyExists",
     "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please "
     "select "
     "a different name and try again."},
    {Errc::bucket_already_owned_by_you, 409, "BucketAlreadyOwnedByYou",
     "Your previous request to create the named bucket succeeded and you already own it."},
    {Errc::bucket_not_empty, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty"},
    {Errc::invalid_bucket_name, 400, "InvalidBucketName", "The specified bucket is not valid."},
    {Errc::key_too_long, 400, "KeyTooLongError", "Your key is too long"},
    {Errc::too_many_buckets, 400, "TooManyBuckets", "You have attempted to create more buckets than allowed"},

    {Errc::precondition_failed, 412, "PreconditionFailed",
     "At least one of the pre-conditions you specified did not hold"},
    {Errc::not_modified, 304, "NotModified", "Not Modified"},
    {Errc::conditional_request_conflict, 409, "ConditionalRequestConflict",
     "The conditional request cannot succeed due to a conflicting operation against this resource."},

    {Errc::invalid_argument, 400, "InvalidArgument", "Invalid Argument"},
    {Errc::invalid_request, 400, "InvalidRequest", "Invalid Request"},
    {Errc::invalid_uri, 400, "InvalidURI", "Couldn't parse the specified URI."},
    {Errc::invalid_range, 416, "InvalidRange", "The requested range is not satisfiable"},
    {Errc::invalid_part, 400, "InvalidPart",
     "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
     "entity "
     "tag may not match the part's entity tag."},
    {Errc::invalid_part_order, 400, "InvalidPartOrder",
     "The list of parts was not in ascending order. Parts must be ordered by part number."},
    {Errc::invalid_part_number, 416, "InvalidPartNumber", "The requested partnumber is not satisfiable"},
    {Errc::entity_too_small, 400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"},
    {Errc::entity_too_large, 400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"},
    {Errc::incomplete_body, 400, "IncompleteBody",
     "You did not provide the number of bytes specified by the Content-Length HTTP header"},
    {Errc::missing_content_length, 411, "MissingContentLength", "You must provide the Content-Length HTTP header."},
    {Errc::missing_request_body, 400, "MissingRequestBodyError", "Request Body is empty"},
    {Errc::bad_digest, 400, "BadDigest", "The Content-MD5 you specified did not match what we received."},
    {Errc::invalid_digest, 400, "InvalidDigest", "The Content-MD5 you specified was invalid."},
    {Errc::content_sha256_mismatch, 400, "XAmzContentSHA256Mismatch",
     "The provided 'x-amz-content-sha256' header does not match what was computed."},
    {Errc::malformed_xml, 400, "MalformedXML",
     "The XML you provided was not well-formed or did not validate against our published schema"},
    {Errc::malformed_trailer, 400, "MalformedTrailerError",
     "The request contained trailing data that was not well-formed or did not conform to our published schema."},
    {Errc::metadata_too_large, 400, "MetadataTooLarge",
     "Your metadata headers exceed the maximum allowed metadata size"},
    {Errc::request_header_too_large, 400, "RequestHeaderSectionTooLarge",
     "Your request header section exceeds the maximum allowed size."},
    {Errc::max_message_length_exceeded, 400, "MaxMessageLengthExceeded", "Your request was too big."},
    {Errc::invalid_tag, 400, "InvalidTag", "The tag provided was not a valid tag."},
    {Errc::invalid_storage_class, 400, "InvalidStorageClass", "The storage class you specified is not valid"},
    {Errc::invalid_location_constraint, 400, "InvalidLocationConstraint",
     "The specified location-constraint is not valid"},
    {Errc::illegal_location_constraint, 400, "IllegalLocationConstraintException",
     "The specified location constraint is incompatible for the region specific endpoint this request was sent to."},
    {Errc::method_not_allowed, 405, "MethodNotAllowed", "The specified method is not allowed against this resource."},
    {Errc::not_implemented, 501, "NotImplemented",
     "A header you provided implies functionality that is not implemented"},
    {Errc::bad_request, 400, "BadRequest", "Bad Request"},
    {Errc::access_control_list_not_supported, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs"},
    {Errc::invalid_bucket_acl, 400, "InvalidBucketAclWithObjectOwnership",
     "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"},
    {Errc::drive_unreachable, 503, "ServiceUnavailable", "Service is unable to handle request."},
});

/// Whether every Errc has its row, at its own number.
consteval bool one_row_per_errc_in_order() {
  if (kS3Errors.size() != static_cast<std::size_t>(Errc::kCount)) return false;
  for (std::size_t i = 0; i < kS3Errors.size(); ++i) {
    if (static_cast<std::size_t>(kS3Errors[i].errc) != i) return false;
  }
  return true;
}
static_assert(one_row_per_errc_in_order(), "a new Errc needs its S3 answer here");

constexpr const S3ErrorRow& s3_error(Errc code) { return kS3Errors[static_cast<std::size_t>(code)]; }

}  // namespace firn::gateway
