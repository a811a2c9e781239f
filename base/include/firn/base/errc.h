#pragma once

#include <cstdint>
#include <string_view>

namespace firn {

/// Every way an operation can fail, for all modules. Append only: the numbers travel between nodes and into logs.
/// The gateway maps each to one S3 answer (gateway/s3/s3_error.h has one row per enumerator, checked at compile time).
enum class Errc : std::uint16_t {
  // Ours: a bug or a machine in trouble.
  internal,
  io_error,    ///< A drive or file answered EIO or the like; the drive is fenced by whoever sees this on a write.
  drive_out,   ///< The drive is fenced, absent or closed.
  drive_full,  ///< No segment may be taken without eating into the drive's reserve.
  corrupt,     ///< A checksum, magic or identity did not match what was asked for.
  not_found,   ///< An extent, record or configuration entry that is not there.
  already_exists,
  stale_epoch,          ///< An append under a set epoch older than the drive holds.
  stale_lease,          ///< First holder for an extent whose write lease is closed.
  unsupported_version,  ///< A format or command version this build does not know.
  ambiguous,            ///< A proposal whose outcome is not known (leader lost, log failed).
  cancelled,            ///< The server is stopping, or the peer went away.
  source_changed,       ///< A by-reference copy whose source version is no longer current: read it again.

  // Capacity.
  slow_down,               ///< Admission refused: memory or queue bounds reached.
  durability_unavailable,  ///< Fewer drives are in than a durable write needs.
  insufficient_storage,
  request_timeout,

  // Authentication.
  access_denied,
  invalid_access_key_id,
  signature_does_not_match,
  request_time_too_skewed,
  request_expired,
  authorization_header_malformed,
  authorization_query_parameters_error,
  missing_security_header,
  invalid_token,

  // Names and state.
  no_such_bucket,
  no_such_key,
  no_such_version,
  no_such_upload,
  no_such_bucket_policy,
  bucket_already_exists,
  bucket_already_owned_by_you,
  bucket_not_empty,
  invalid_bucket_name,
  key_too_long,
  too_many_buckets,

  // Conditions.
  precondition_failed,
  not_modified,
  conditional_request_conflict,

  // Requests.
  invalid_argument,
  invalid_request,
  invalid_uri,
  invalid_range,
  invalid_part,
  invalid_part_order,
  invalid_part_number,
  entity_too_small,
  entity_too_large,
  incomplete_body,
  missing_content_length,
  missing_request_body,
  bad_digest,
  invalid_digest,
  content_sha256_mismatch,
  malformed_xml,
  malformed_trailer,
  metadata_too_large,
  request_header_too_large,
  max_message_length_exceeded,
  invalid_tag,
  invalid_storage_class,
  invalid_location_constraint,
  illegal_location_constraint,
  method_not_allowed,
  not_implemented,
  bad_request,
  access_control_list_not_supported,
  invalid_bucket_acl,

  // Between nodes.
  drive_unreachable,  ///< The node that has the drive can't be reached, or fell silent: what was asked may have
                      ///< happened.

  kCount,
};

/// The enumerator's name, for logs and metrics.
std::string_view to_string(Errc code);

}  // namespace firn
