#include <gtest/gtest.h>

#include <set>

#include "s3/operations.h"

namespace firn::gateway {
namespace {

std::string_view routed(Verb method, Scope scope, std::vector<Query::Parameter> parameters = {},
                        const char* header = nullptr) {
  Fields headers;
  if (header) headers.insert(header, "value");
  return route(method, scope, Query(std::move(parameters)), headers).name;
}
Query::Parameter flag(std::string name) { return {.name = std::move(name)}; }
Query::Parameter valued(std::string name, std::string value) { return {std::move(name), std::move(value), true}; }

TEST(Route, FindsEveryRowByWhatSelectsIt) {
  for (const Operation& operation : operations()) {
    std::vector<Query::Parameter> parameters;
    std::string_view rest = operation.subresource;
    while (!rest.empty()) {
      const auto mark = rest.find('&');
      parameters.push_back(valued(std::string(rest.substr(0, mark)), "1"));
      rest = mark == std::string_view::npos ? std::string_view{} : rest.substr(mark + 1);
    }
    const std::string header(operation.header);
    EXPECT_EQ(routed(operation.method, operation.scope, parameters, header.empty() ? nullptr : header.c_str()),
              operation.name);
  }
}

TEST(Route, HasARowForEveryOperationOfS3) {
  // The general purpose and directory bucket operations of the S3 API, DeleteBucketCors to WriteGetObjectResponse.
  std::set<std::string_view> names;
  for (const Operation& operation : operations()) names.insert(operation.name);
  EXPECT_EQ(names.size(), operations().size());
  for (const char* name :
       {"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateSession",
        "DeleteBucketLifecycle", "GetBucketPolicyStatus", "GetObjectTorrent", "PutBucketVersioning",
        "PutObjectRetention", "RenameObject", "RestoreObject", "SelectObjectContent", "UploadPartCopy"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Route, IgnoresParametersThatSelectNothing) {
  const auto signing = [] {
    return std::vector{valued("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
                       valued("X-Amz-Credential", "x"),
                       valued("X-Amz-Date", "x"),
                       valued("X-Amz-Expires", "1"),
                       valued("X-Amz-SignedHeaders", "host"),
                       valued("X-Amz-Signature", "x"),
                       valued("x-amz-checksum-crc32", "AAAAAA=="),
                       valued("x-id", "PutObject")};
  };
  EXPECT_EQ(routed(Verb::put, Scope::object, signing()), "PutObject");
  EXPECT_EQ(routed(Verb::get, Scope::object, signing()), "GetObject");
  EXPECT_EQ(routed(Verb::get, Scope::object, {valued("response-content-type", "x"), valued("versionId", "null")}),
            "GetObject");
  EXPECT_EQ(routed(Verb::get, Scope::object, {valued("partNumber", "1")}), "GetObject");
  EXPECT_EQ(routed(Verb::head, Scope::object, {valued("partNumber", "1")}), "HeadObject");
  EXPECT_EQ(routed(Verb::get, Scope::bucket,
                   {valued("prefix", "a"), valued("max-keys", "1"), valued("encoding-type", "url")}),
            "ListObjects");
  EXPECT_EQ(routed(Verb::get, Scope::bucket, {valued("list-type", "2"), valued("start-after", "a")}), "ListObjectsV2");
  EXPECT_EQ(routed(Verb::get, Scope::bucket, {flag("uploads"), valued("prefix", "a")}), "ListMultipartUploads");
  EXPECT_EQ(routed(Verb::put, Scope::object, {valued("partNumber", "1"), valued("uploadId", "x")}), "UploadPart");
  EXPECT_EQ(routed(Verb::put, Scope::object, {valued("unknown", "value")}), "PutObject");
  EXPECT_EQ(routed(Verb::get, Scope::object, {flag("unknown")}), "GetObject");
}

TEST(Route, NeverTakesAnUnknownSubResourceOfAWriteForThePlainVerb) {
  for (const Verb method : {Verb::put, Verb::post, Verb::delete_}) {
    for (const Scope scope : {Scope::bucket, Scope::object}) {
      EXPECT_EQ(routed(method, scope, {flag("unknown")}), "NotImplemented");
      EXPECT_EQ(routed(method, scope, {valued("unknown", "")}), "NotImplemented");
      EXPECT_EQ(routed(method, scope, {flag("unknown"), valued("x-id", "PutObject")}), "NotImplemented");
      EXPECT_EQ(routed(method, scope, {flag("prefix")}), "NotImplemented");
      EXPECT_EQ(routed(method, scope, {flag("")}), "NotImplemented");
    }
  }
}

TEST(Route, RefusesASubResourceOfAnotherMethod) {
  EXPECT_EQ(routed(Verb::put, Scope::object, {valued("uploadId", "x")}), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::put, Scope::object, {flag("uploads")}), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::put, Scope::object, {flag("attributes")}), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::get, Scope::object, {flag("renameObject")}), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::get, Scope::bucket, {flag("delete")}), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::delete_, Scope::object, {flag("acl")}), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::head, Scope::object, {flag("acl")}), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::put, Scope::service), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::post, Scope::object), "MethodNotAllowed");
  EXPECT_EQ(routed(Verb::options, Scope::object), "MethodNotAllowed");
}

TEST(Route, RefusesTwoSubResourcesAtOnce) {
  EXPECT_EQ(routed(Verb::get, Scope::bucket, {flag("acl"), flag("policy")}), "NotImplemented");
}

TEST(Route, PrefersTheRowWithAHeaderOrACompanion) {
  EXPECT_EQ(routed(Verb::put, Scope::object, {}, "x-amz-copy-source"), "CopyObject");
  EXPECT_EQ(routed(Verb::put, Scope::object, {valued("partNumber", "1"), valued("uploadId", "x")}, "x-amz-copy-source"),
            "UploadPartCopy");
  EXPECT_EQ(routed(Verb::get, Scope::bucket, {flag("analytics")}), "ListBucketAnalyticsConfigurations");
  EXPECT_EQ(routed(Verb::get, Scope::bucket, {flag("analytics"), valued("id", "1")}),
            "GetBucketAnalyticsConfiguration");
}

TEST(Route, KnowsNothingOfCase) {
  EXPECT_EQ(routed(Verb::put, Scope::object, {flag("RENAMEOBJECT")}), "NotImplemented");
  EXPECT_EQ(routed(Verb::put, Scope::object, {flag("ACL")}), "NotImplemented");
}

}  // namespace
}  // namespace firn::gateway
