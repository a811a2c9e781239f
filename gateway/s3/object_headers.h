#pragma once

#include <string>
#include <string_view>

#include "firn/base/result.h"
#include "firn/metadata/model.h"
#include "s3/request.h"

namespace firn::gateway {

/// Sum of names (without "x-amz-meta-") and values: S3's limit.
inline constexpr std::size_t kUserMetadataBytesMax = 2 * 1024;

/// What a write says of its object besides the bytes: Content-* and caching headers, x-amz-meta-*, storage class,
/// redirect, x-amz-tagging. Errc::metadata_too_large, invalid_storage_class, invalid_tag, invalid_argument.
Result<metadata::Attributes> request_attributes(const Request& request);

/// STANDARD when empty, as S3 shows it in listings.
std::string_view shown_storage_class(std::string_view stored);
/// Errc::invalid_storage_class unless S3 knows it; STANDARD becomes empty.
Result<std::string> parse_storage_class(std::string_view name);

/// ETag, Last-Modified, Content-* and all else HEAD and GET say of an object, its checksum apart.
void add_object_headers(Reply& reply, const metadata::Object& object);
/// "\"…\"", as the ETag header needs it.
std::string quoted(std::string_view etag);

/// The response-* overrides of GET and HEAD, for signed requests alone (Errc::invalid_request otherwise). Replaces what
/// add_object_headers has set.
Result<> apply_response_overrides(Reply& reply, const Request& request);

/// Errc::not_implemented for headers that would change what a write means and that Firn does not offer (server-side
/// encryption, object lock, grants, appends), access_control_list_not_supported for ACLs but `private`.
Result<> reject_unsupported_write_headers(const Request& request);
/// The same for reads: SSE-C keys.
Result<> reject_unsupported_read_headers(const Request& request);
/// x-amz-expected-bucket-owner (or the source's) is someone else: Errc::access_denied.
Result<> check_expected_owner(const Request& request, std::string_view header = "x-amz-expected-bucket-owner");

/// versionId: nothing or "null" while buckets have no versions. Errc::invalid_argument or no_such_version otherwise.
Result<> check_version_id(const Request& request);
Result<> check_version_id(std::string_view version_id);

}  // namespace firn::gateway
