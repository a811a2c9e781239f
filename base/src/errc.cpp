#include "firn/base/errc.h"

#include <array>
#include <cstddef>

namespace firn {
namespace {

struct Name {
  Errc code;
  std::string_view text;
};

#define FIRN_NAME(code) \
  Name { Errc::code, #code }

constexpr auto kNames = std::to_array<Name>({
    FIRN_NAME(internal),
    FIRN_NAME(io_error),
    FIRN_NAME(drive_out),
    FIRN_NAME(drive_full),
    FIRN_NAME(corrupt),
    FIRN_NAME(not_found),
    FIRN_NAME(already_exists),
    FIRN_NAME(stale_epoch),
    FIRN_NAME(stale_lease),
    FIRN_NAME(unsupported_version),
    FIRN_NAME(ambiguous),
    FIRN_NAME(cancelled),
    FIRN_NAME(source_changed),
    FIRN_NAME(slow_down),
    FIRN_NAME(durability_unavailable),
    FIRN_NAME(insufficient_storage),
    FIRN_NAME(request_timeout),
    FIRN_NAME(access_denied),
    FIRN_NAME(invalid_access_key_id),
    FIRN_NAME(signature_does_not_match),
    FIRN_NAME(request_time_too_skewed),
    FIRN_NAME(request_expired),
    FIRN_NAME(authorization_header_malformed),
    FIRN_NAME(authorization_query_parameters_error),
    FIRN_NAME(missing_security_header),
    FIRN_NAME(invalid_token),
    FIRN_NAME(no_such_bucket),
    FIRN_NAME(no_such_key),
    FIRN_NAME(no_such_version),
    FIRN_NAME(no_such_upload),
    FIRN_NAME(no_such_bucket_policy),
    FIRN_NAME(bucket_already_exists),
    FIRN_NAME(bucket_already_owned_by_you),
    FIRN_NAME(bucket_not_empty),
    FIRN_NAME(invalid_bucket_name),
    FIRN_NAME(key_too_long),
    FIRN_NAME(too_many_buckets),
    FIRN_NAME(precondition_failed),
    FIRN_NAME(not_modified),
    FIRN_NAME(conditional_request_conflict),
    FIRN_NAME(invalid_argument),
    FIRN_NAME(invalid_request),
    FIRN_NAME(invalid_uri),
    FIRN_NAME(invalid_range),
    FIRN_NAME(invalid_part),
    FIRN_NAME(invalid_part_order),
    FIRN_NAME(invalid_part_number),
    FIRN_NAME(entity_too_small),
    FIRN_NAME(entity_too_large),
    FIRN_NAME(incomplete_body),
    FIRN_NAME(missing_content_length),
    FIRN_NAME(missing_request_body),
    FIRN_NAME(bad_digest),
    FIRN_NAME(invalid_digest),
    FIRN_NAME(content_sha256_mismatch),
    FIRN_NAME(malformed_xml),
    FIRN_NAME(malformed_trailer),
    FIRN_NAME(metadata_too_large),
    FIRN_NAME(request_header_too_large),
    FIRN_NAME(max_message_length_exceeded),
    FIRN_NAME(invalid_tag),
    FIRN_NAME(invalid_storage_class),
    FIRN_NAME(invalid_location_constraint),
    FIRN_NAME(illegal_location_constraint),
    FIRN_NAME(method_not_allowed),
    FIRN_NAME(not_implemented),
    FIRN_NAME(bad_request),
    FIRN_NAME(access_control_list_not_supported),
    FIRN_NAME(invalid_bucket_acl),
    FIRN_NAME(drive_unreachable),
});

#undef FIRN_NAME

consteval bool one_name_per_errc_in_order() {
  if (kNames.size() != static_cast<std::size_t>(Errc::kCount)) return false;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (static_cast<std::size_t>(kNames[i].code) != i) return false;
  }
  return true;
}
static_assert(one_name_per_errc_in_order(), "a new Errc needs its name here");

}  // namespace

std::string_view to_string(Errc code) {
  const auto index = static_cast<std::size_t>(code);
  // Codes also arrive from other nodes: a number this build does not know is no bug of ours.
  return index < kNames.size() ? kNames[index].text : std::string_view("unknown_error");
}

}  // namespace firn
