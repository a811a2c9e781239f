#include "s3/operations.h"

#include <algorithm>
#include <array>

#include "s3/handlers.h"

namespace firn::gateway {

namespace {

constexpr auto kGet = Verb::get;
constexpr auto kHead = Verb::head;
constexpr auto kPut = Verb::put;
constexpr auto kPost = Verb::post;
constexpr auto kDelete = Verb::delete_;
constexpr auto kService = Scope::service;
constexpr auto kBucket = Scope::bucket;
constexpr auto kObject = Scope::object;
constexpr auto kAbsent = not_implemented;

// name, method, scope, sub-resource, selecting header, IAM action, body, handler. A sub-resource "a&b" needs both.
constexpr auto kOperations = std::to_array<Operation>({
    {"ListBuckets", kGet, kService, "", "", "s3:ListAllMyBuckets", Body::none, list_buckets},

    {"CreateBucket", kPut, kBucket, "", "", "s3:CreateBucket", Body::document, create_bucket},
    {"HeadBucket", kHead, kBucket, "", "", "s3:ListBucket", Body::none, head_bucket},
    {"DeleteBucket", kDelete, kBucket, "", "", "s3:DeleteBucket", Body::none, delete_bucket},
    {"GetBucketLocation", kGet, kBucket, "location", "", "s3:GetBucketLocation", Body::none, get_bucket_location},
    {"GetBucketVersioning", kGet, kBucket, "versioning", "", "s3:GetBucketVersioning", Body::none,
     get_bucket_versioning},
    {"GetBucketAcl", kGet, kBucket, "acl", "", "s3:GetBucketAcl", Body::none, get_bucket_acl},
    {"PutBucketAcl", kPut, kBucket, "acl", "", "s3:PutBucketAcl", Body::document, put_bucket_acl},
    {"GetBucketPolicy", kGet, kBucket, "policy", "", "s3:GetBucketPolicy", Body::none, get_bucket_policy},
    {"ListObjects", kGet, kBucket, "", "", "s3:ListBucket", Body::none, list_objects},
    {"ListObjectsV2", kGet, kBucket, "list-type", "", "s3:ListBucket", Body::none, list_objects_v2},
    {"ListObjectVersions", kGet, kBucket, "versions", "", "s3:ListBucketVersions", Body::none, list_object_versions},
    {"ListMultipartUploads", kGet, kBucket, "uploads", "", "s3:ListBucketMultipartUploads", Body::none,
     list_multipart_uploads},
    {"DeleteObjects", kPost, kBucket, "delete", "", "s3:DeleteObject", Body::document, delete_objects},

    {"PutObject", kPut, kObject, "", "", "s3:PutObject", Body::stream, put_object},
    {"GetObject", kGet, kObject, "", "", "s3:GetObject", Body::none, get_object},
    {"HeadObject", kHead, kObject, "", "", "s3:GetObject", Body::none, head_object},
    {"DeleteObject", kDelete, kObject, "", "", "s3:DeleteObject", Body::none, delete_object},
    {"CopyObject", kPut, kObject, "", "x-amz-copy-source", "s3:PutObject", Body::none, copy_object},
    {"RenameObject", kPut, kObject, "renameObject", "", "s3:PutObject", Body::none, rename_object},
    {"GetObjectAttributes", kGet, kObject, "attributes", "", "s3:GetObjectAttributes", Body::none,
     get_object_attributes},
    {"GetObjectAcl", kGet, kObject, "acl", "", "s3:GetObjectAcl", Body::none, get_object_acl},
    {"PutObjectAcl", kPut, kObject, "acl", "", "s3:PutObjectAcl", Body::document, put_object_acl},
    {"GetObjectTagging", kGet, kObject, "tagging", "", "s3:GetObjectTagging", Body::none, get_object_tagging},
    {"PutObjectTagging", kPut, kObject, "tagging", "", "s3:PutObjectTagging", Body::document, put_object_tagging},
    {"DeleteObjectTagging", kDelete, kObject, "tagging", "", "s3:DeleteObjectTagging", Body::none,
     delete_object_tagging},
    {"CreateMultipartUpload", kPost, kObject, "uploads", "", "s3:PutObject", Body::none, create_multipart_upload},
    {"UploadPart", kPut, kObject, "partNumber", "", "s3:PutObject", Body::stream, upload_part},
    {"UploadPartCopy", kPut, kObject, "partNumber", "x-amz-copy-source", "s3:PutObject", Body::none, upload_part_copy},
    {"CompleteMultipartUpload", kPost, kObject, "uploadId", "", "s3:PutObject", Body::document,
     complete_multipart_upload},
    {"AbortMultipartUpload", kDelete, kObject, "uploadId", "", "s3:AbortMultipartUpload", Body::none,
     abort_multipart_upload},
    {"ListParts", kGet, kObject, "uploadId", "", "s3:ListMultipartUploadParts", Body::none, list_parts},

    // What Firn does not offer.
    {"CreateSession", kGet, kBucket, "session", "", "s3express:CreateSession", Body::none, kAbsent},
    {"PostObject", kPost, kBucket, "", "", "s3:PutObject", Body::none, kAbsent},
    {"GetBucketAbac", kGet, kBucket, "abac", "", "s3:GetBucketAbac", Body::none, kAbsent},
    {"PutBucketAbac", kPut, kBucket, "abac", "", "s3:PutBucketAbac", Body::none, kAbsent},
    {"GetBucketAccelerateConfiguration", kGet, kBucket, "accelerate", "", "s3:GetAccelerateConfiguration", Body::none,
     kAbsent},
    {"PutBucketAccelerateConfiguration", kPut, kBucket, "accelerate", "", "s3:PutAccelerateConfiguration", Body::none,
     kAbsent},
    {"ListBucketAnalyticsConfigurations", kGet, kBucket, "analytics", "", "s3:GetAnalyticsConfiguration", Body::none,
     kAbsent},
    {"GetBucketAnalyticsConfiguration", kGet, kBucket, "analytics&id", "", "s3:GetAnalyticsConfiguration", Body::none,
     kAbsent},
    {"PutBucketAnalyticsConfiguration", kPut, kBucket, "analytics", "", "s3:PutAnalyticsConfiguration", Body::none,
     kAbsent},
    {"DeleteBucketAnalyticsConfiguration", kDelete, kBucket, "analytics", "", "s3:PutAnalyticsConfiguration",
     Body::none, kAbsent},
    {"GetBucketCors", kGet, kBucket, "cors", "", "s3:GetBucketCORS", Body::none, kAbsent},
    {"PutBucketCors", kPut, kBucket, "cors", "", "s3:PutBucketCORS", Body::none, kAbsent},
    {"DeleteBucketCors", kDelete, kBucket, "cors", "", "s3:PutBucketCORS", Body::none, kAbsent},
    {"GetBucketEncryption", kGet, kBucket, "encryption", "", "s3:GetEncryptionConfiguration", Body::none, kAbsent},
    {"PutBucketEncryption", kPut, kBucket, "encryption", "", "s3:PutEncryptionConfiguration", Body::none, kAbsent},
    {"DeleteBucketEncryption", kDelete, kBucket, "encryption", "", "s3:PutEncryptionConfiguration", Body::none,
     kAbsent},
    {"ListBucketIntelligentTieringConfigurations", kGet, kBucket, "intelligent-tiering", "",
     "s3:GetIntelligentTieringConfiguration", Body::none, kAbsent},
    {"GetBucketIntelligentTieringConfiguration", kGet, kBucket, "intelligent-tiering&id", "",
     "s3:GetIntelligentTieringConfiguration", Body::none, kAbsent},
    {"PutBucketIntelligentTieringConfiguration", kPut, kBucket, "intelligent-tiering", "",
     "s3:PutIntelligentTieringConfiguration", Body::none, kAbsent},
    {"DeleteBucketIntelligentTieringConfiguration", kDelete, kBucket, "intelligent-tiering", "",
     "s3:PutIntelligentTieringConfiguration", Body::none, kAbsent},
    {"ListBucketInventoryConfigurations", kGet, kBucket, "inventory", "", "s3:GetInventoryConfiguration", Body::none,
     kAbsent},
    {"GetBucketInventoryConfiguration", kGet, kBucket, "inventory&id", "", "s3:GetInventoryConfiguration", Body::none,
     kAbsent},
    {"PutBucketInventoryConfiguration", kPut, kBucket, "inventory", "", "s3:PutInventoryConfiguration", Body::none,
     kAbsent},
    {"DeleteBucketInventoryConfiguration", kDelete, kBucket, "inventory", "", "s3:PutInventoryConfiguration",
     Body::none, kAbsent},
    {"GetBucketLifecycleConfiguration", kGet, kBucket, "lifecycle", "", "s3:GetLifecycleConfiguration", Body::none,
     kAbsent},
    {"PutBucketLifecycleConfiguration", kPut, kBucket, "lifecycle", "", "s3:PutLifecycleConfiguration", Body::none,
     kAbsent},
    {"DeleteBucketLifecycle", kDelete, kBucket, "lifecycle", "", "s3:PutLifecycleConfiguration", Body::none, kAbsent},
    {"GetBucketLogging", kGet, kBucket, "logging", "", "s3:GetBucketLogging", Body::none, kAbsent},
    {"PutBucketLogging", kPut, kBucket, "logging", "", "s3:PutBucketLogging", Body::none, kAbsent},
    {"CreateBucketMetadataConfiguration", kPost, kBucket, "metadataConfiguration", "",
     "s3:CreateBucketMetadataTableConfiguration", Body::none, kAbsent},
    {"GetBucketMetadataConfiguration", kGet, kBucket, "metadataConfiguration", "",
     "s3:GetBucketMetadataTableConfiguration", Body::none, kAbsent},
    {"DeleteBucketMetadataConfiguration", kDelete, kBucket, "metadataConfiguration", "",
     "s3:DeleteBucketMetadataTableConfiguration", Body::none, kAbsent},
    {"UpdateBucketMetadataInventoryTableConfiguration", kPut, kBucket, "metadataInventoryTable", "",
     "s3:UpdateBucketMetadataInventoryTableConfiguration", Body::none, kAbsent},
    {"UpdateBucketMetadataJournalTableConfiguration", kPut, kBucket, "metadataJournalTable", "",
     "s3:UpdateBucketMetadataJournalTableConfiguration", Body::none, kAbsent},
    {"CreateBucketMetadataTableConfiguration", kPost, kBucket, "metadataTable", "",
     "s3:CreateBucketMetadataTableConfiguration", Body::none, kAbsent},
    {"GetBucketMetadataTableConfiguration", kGet, kBucket, "metadataTable", "",
     "s3:GetBucketMetadataTableConfiguration", Body::none, kAbsent},
    {"DeleteBucketMetadataTableConfiguration", kDelete, kBucket, "metadataTable", "",
     "s3:DeleteBucketMetadataTableConfiguration", Body::none, kAbsent},
    {"ListBucketMetricsConfigurations", kGet, kBucket, "metrics", "", "s3:GetMetricsConfiguration", Body::none,
     kAbsent},
    {"GetBucketMetricsConfiguration", kGet, kBucket, "metrics&id", "", "s3:GetMetricsConfiguration", Body::none,
     kAbsent},
    {"PutBucketMetricsConfiguration", kPut, kBucket, "metrics", "", "s3:PutMetricsConfiguration", Body::none, kAbsent},
    {"DeleteBucketMetricsConfiguration", kDelete, kBucket, "metrics", "", "s3:PutMetricsConfiguration", Body::none,
     kAbsent},
    {"GetBucketNotificationConfiguration", kGet, kBucket, "notification", "", "s3:GetBucketNotification", Body::none,
     kAbsent},
    {"PutBucketNotificationConfiguration", kPut, kBucket, "notification", "", "s3:PutBucketNotification", Body::none,
     kAbsent},
    {"GetObjectLockConfiguration", kGet, kBucket, "object-lock", "", "s3:GetBucketObjectLockConfiguration", Body::none,
     kAbsent},
    {"PutObjectLockConfiguration", kPut, kBucket, "object-lock", "", "s3:PutBucketObjectLockConfiguration", Body::none,
     kAbsent},
    {"GetBucketOwnershipControls", kGet, kBucket, "ownershipControls", "", "s3:GetBucketOwnershipControls", Body::none,
     kAbsent},
    {"PutBucketOwnershipControls", kPut, kBucket, "ownershipControls", "", "s3:PutBucketOwnershipControls", Body::none,
     kAbsent},
    {"DeleteBucketOwnershipControls", kDelete, kBucket, "ownershipControls", "", "s3:PutBucketOwnershipControls",
     Body::none, kAbsent},
    {"PutBucketPolicy", kPut, kBucket, "policy", "", "s3:PutBucketPolicy", Body::none, kAbsent},
    {"DeleteBucketPolicy", kDelete, kBucket, "policy", "", "s3:DeleteBucketPolicy", Body::none, kAbsent},
    {"GetBucketPolicyStatus", kGet, kBucket, "policyStatus", "", "s3:GetBucketPolicyStatus", Body::none, kAbsent},
    {"GetPublicAccessBlock", kGet, kBucket, "publicAccessBlock", "", "s3:GetBucketPublicAccessBlock", Body::none,
     kAbsent},
    {"PutPublicAccessBlock", kPut, kBucket, "publicAccessBlock", "", "s3:PutBucketPublicAccessBlock", Body::none,
     kAbsent},
    {"DeletePublicAccessBlock", kDelete, kBucket, "publicAccessBlock", "", "s3:PutBucketPublicAccessBlock", Body::none,
     kAbsent},
    {"GetBucketReplication", kGet, kBucket, "replication", "", "s3:GetReplicationConfiguration", Body::none, kAbsent},
    {"PutBucketReplication", kPut, kBucket, "replication", "", "s3:PutReplicationConfiguration", Body::none, kAbsent},
    {"DeleteBucketReplication", kDelete, kBucket, "replication", "", "s3:PutReplicationConfiguration", Body::none,
     kAbsent},
    {"GetBucketRequestPayment", kGet, kBucket, "requestPayment", "", "s3:GetBucketRequestPayment", Body::none, kAbsent},
    {"PutBucketRequestPayment", kPut, kBucket, "requestPayment", "", "s3:PutBucketRequestPayment", Body::none, kAbsent},
    {"GetBucketTagging", kGet, kBucket, "tagging", "", "s3:GetBucketTagging", Body::none, kAbsent},
    {"PutBucketTagging", kPut, kBucket, "tagging", "", "s3:PutBucketTagging", Body::none, kAbsent},
    {"DeleteBucketTagging", kDelete, kBucket, "tagging", "", "s3:PutBucketTagging", Body::none, kAbsent},
    {"PutBucketVersioning", kPut, kBucket, "versioning", "", "s3:PutBucketVersioning", Body::none, kAbsent},
    {"GetBucketWebsite", kGet, kBucket, "website", "", "s3:GetBucketWebsite", Body::none, kAbsent},
    {"PutBucketWebsite", kPut, kBucket, "website", "", "s3:PutBucketWebsite", Body::none, kAbsent},
    {"DeleteBucketWebsite", kDelete, kBucket, "website", "", "s3:DeleteBucketWebsite", Body::none, kAbsent},

    {"UpdateObjectEncryption", kPut, kObject, "encryption", "", "s3:UpdateObjectEncryption", Body::none, kAbsent},
    {"GetObjectLegalHold", kGet, kObject, "legal-hold", "", "s3:GetObjectLegalHold", Body::none, kAbsent},
    {"PutObjectLegalHold", kPut, kObject, "legal-hold", "", "s3:PutObjectLegalHold", Body::none, kAbsent},
    {"GetObjectRetention", kGet, kObject, "retention", "", "s3:GetObjectRetention", Body::none, kAbsent},
    {"PutObjectRetention", kPut, kObject, "retention", "", "s3:PutObjectRetention", Body::none, kAbsent},
    {"GetObjectTorrent", kGet, kObject, "torrent", "", "s3:GetObjectTorrent", Body::none, kAbsent},
    {"RestoreObject", kPost, kObject, "restore", "", "s3:RestoreObject", Body::none, kAbsent},
    {"SelectObjectContent", kPost, kObject, "select", "", "s3:GetObject", Body::none, kAbsent},
    {"WriteGetObjectResponse", kPost, kObject, "", "x-amz-request-route", "s3-object-lambda:WriteGetObjectResponse",
     Body::none, kAbsent},
});

consteval bool no_two_operations_answer_the_same_request() {
  for (std::size_t i = 0; i < kOperations.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Operation& a = kOperations[i];
      const Operation& b = kOperations[j];
      if (a.method == b.method && a.scope == b.scope && a.subresource == b.subresource && a.header == b.header)
        return false;
      if (a.name == b.name) return false;
    }
  }
  return true;
}
static_assert(no_two_operations_answer_the_same_request());

// Not S3's: what a request gets that no row names. They count as operations for the log and the metrics alone.
constexpr Operation kNotImplemented = {"NotImplemented", Verb::unknown, Scope::service, "", "",
                                       "s3:None",        Body::none,    not_implemented};
constexpr Operation kMethodNotAllowed = {"MethodNotAllowed", Verb::unknown, Scope::service,    "", "",
                                         "s3:None",          Body::none,    method_not_allowed};

}  // namespace

std::span<const Operation> operations() { return kOperations; }

bool is_implemented(const Operation& operation) { return operation.handle != not_implemented; }

const Operation& not_implemented_operation() { return kNotImplemented; }
const Operation& method_not_allowed_operation() { return kMethodNotAllowed; }

}  // namespace firn::gateway
