#pragma once

#include "firn/base/result.h"
#include "s3/request.h"

namespace firn::gateway {

// One function per row of the operation table, named as S3 names the operation. Each lives in a file of its own or with
// its closest relatives; the order of the checks inside is the order in which S3 answers.

Task<Reply> list_buckets(Request& request);

Task<Reply> create_bucket(Request& request);
Task<Reply> head_bucket(Request& request);
Task<Reply> delete_bucket(Request& request);
Task<Reply> get_bucket_location(Request& request);
Task<Reply> get_bucket_versioning(Request& request);
Task<Reply> get_bucket_acl(Request& request);
Task<Reply> put_bucket_acl(Request& request);
Task<Reply> get_bucket_policy(Request& request);

Task<Reply> list_objects(Request& request);
Task<Reply> list_objects_v2(Request& request);
Task<Reply> list_object_versions(Request& request);
Task<Reply> delete_objects(Request& request);

Task<Reply> put_object(Request& request);
Task<Reply> get_object(Request& request);
Task<Reply> head_object(Request& request);
Task<Reply> delete_object(Request& request);
Task<Reply> copy_object(Request& request);
Task<Reply> rename_object(Request& request);
Task<Reply> get_object_attributes(Request& request);
Task<Reply> get_object_acl(Request& request);
Task<Reply> put_object_acl(Request& request);
Task<Reply> get_object_tagging(Request& request);
Task<Reply> put_object_tagging(Request& request);
Task<Reply> delete_object_tagging(Request& request);

Task<Reply> create_multipart_upload(Request& request);
Task<Reply> upload_part(Request& request);
Task<Reply> upload_part_copy(Request& request);
Task<Reply> complete_multipart_upload(Request& request);
Task<Reply> abort_multipart_upload(Request& request);
Task<Reply> list_parts(Request& request);
Task<Reply> list_multipart_uploads(Request& request);

Task<Reply> not_implemented(Request& request);
Task<Reply> method_not_allowed(Request& request);

}  // namespace firn::gateway
