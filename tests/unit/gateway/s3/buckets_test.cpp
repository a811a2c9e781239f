#include "s3_fixture.h"

namespace firn::test {
namespace {

class Buckets : public S3Fixture {};

TEST_F(Buckets, AreMadeFoundAndRemoved) {
  const auto made = send("PUT /other");
  EXPECT_EQ(made.status, 200U);
  EXPECT_EQ(made.header("Location"), "/other");
  const auto head = send("HEAD /other");
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(head.header("x-amz-bucket-region"), "us-east-1");
  EXPECT_EQ(send("DELETE /other").status, 204U);
  EXPECT_EQ(send("HEAD /other").status, 404U);
  EXPECT_EQ(send("DELETE /other").code(), "NoSuchBucket");
}

TEST_F(Buckets, AreMadeAgainByTheirOwnerInUsEast1Alone) {
  EXPECT_EQ(send("PUT /bucket").status, 200U);
  region = "eu-west-1";
  const auto again = send("PUT /bucket");
  EXPECT_EQ(again.status, 409U);
  EXPECT_EQ(again.code(), "BucketAlreadyOwnedByYou");
  EXPECT_EQ(again.element("BucketName"), "bucket");
}

TEST_F(Buckets, KeepTheirLocation) {
  const std::string document =
      "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>eu-west-1"
      "</LocationConstraint></CreateBucketConfiguration>";
  EXPECT_EQ(send("PUT /there", {}, document).status, 200U);
  EXPECT_EQ(send("HEAD /there").header("x-amz-bucket-region"), "eu-west-1");
  EXPECT_NE(send("GET /there?location").body.find(">eu-west-1</LocationConstraint>"), std::string::npos);
  EXPECT_NE(send("GET /bucket?location").body.find("2006-03-01/\"></LocationConstraint>"), std::string::npos);
}

TEST_F(Buckets, RefuseBadNamesLocationsAndDocuments) {
  EXPECT_EQ(send("PUT /Bad_Name").code(), "InvalidBucketName");
  EXPECT_EQ(send("PUT /other", {}, "<CreateBucketConfiguration>").code(), "MalformedXML");
  EXPECT_EQ(send("PUT /other", {}, "<Wrong/>").code(), "MalformedXML");
  EXPECT_EQ(send("PUT /other", {},
                 "<CreateBucketConfiguration><LocationConstraint>a b</LocationConstraint></CreateBucketConfiguration>")
                .code(),
            "InvalidLocationConstraint");
  EXPECT_EQ(send("PUT /other", {}, "<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>").status, 501U);
  EXPECT_EQ(send("PUT /other", {{"x-amz-bucket-object-lock-enabled", "true"}}).status, 501U);
  EXPECT_EQ(send("PUT /other", {{"x-amz-object-ownership", "ObjectWriter"}}).status, 501U);
  EXPECT_EQ(send("PUT /other", {{"x-amz-acl", "public-read"}}).code(), "InvalidBucketAclWithObjectOwnership");
  EXPECT_EQ(send("HEAD /other").status, 404U);
  EXPECT_EQ(send("PUT /other", {{"x-amz-acl", "private"}}).status, 200U);
}

TEST_F(Buckets, AreNotRemovedWhileTheyHoldSomething) {
  ASSERT_EQ(send("PUT /bucket/k", {}, "x").status, 200U);
  const auto refused = send("DELETE /bucket");
  EXPECT_EQ(refused.status, 409U);
  EXPECT_EQ(refused.code(), "BucketNotEmpty");
}

TEST_F(Buckets, AreListedInPages) {
  for (const char* name : {"PUT /ccc", "PUT /aaa", "PUT /bbb"}) ASSERT_EQ(send(name).status, 200U);
  const auto all = send("GET /");
  EXPECT_EQ(all.elements("Name"), (std::vector<std::string>{"aaa", "bbb", "bucket", "ccc"}));
  EXPECT_EQ(all.element("ID"), "0123owner");
  EXPECT_EQ(all.element("ContinuationToken"), "");
  const auto first = send("GET /?max-buckets=3");
  EXPECT_EQ(first.elements("Name"), (std::vector<std::string>{"aaa", "bbb", "bucket"}));
  const auto second = send("GET /?max-buckets=3&continuation-token=" + first.element("ContinuationToken"));
  EXPECT_EQ(second.elements("Name"), std::vector<std::string>{"ccc"});
  EXPECT_EQ(second.element("ContinuationToken"), "");
  EXPECT_EQ(send("GET /?prefix=b").elements("Name"), (std::vector<std::string>{"bbb", "bucket"}));
  EXPECT_TRUE(send("GET /?bucket-region=eu-west-1").elements("Name").empty());
  EXPECT_EQ(send("GET /?bucket-region=us-east-1&max-buckets=1").elements("Name").size(), 1U);
  for (const char* bad :
       {"GET /?max-buckets=0", "GET /?max-buckets=10001", "GET /?max-buckets=x", "GET /?continuation-token=x"}) {
    EXPECT_EQ(send(bad).code(), "InvalidArgument") << bad;
  }
}

TEST_F(Buckets, AnswerWhatToolsAskThem) {
  EXPECT_NE(send("GET /bucket?versioning").body.find("<VersioningConfiguration"), std::string::npos);
  const auto acl = send("GET /bucket?acl");
  EXPECT_EQ(acl.element("Permission"), "FULL_CONTROL");
  EXPECT_EQ(acl.elements("ID"), (std::vector<std::string>{"0123owner", "0123owner"}));
  const auto policy = send("GET /bucket?policy");
  EXPECT_EQ(policy.status, 404U);
  EXPECT_EQ(policy.code(), "NoSuchBucketPolicy");
  for (const char* query : {"location", "versioning", "acl", "policy", "versions", "uploads", "list-type=2"}) {
    EXPECT_EQ(send(std::string("GET /missing?") + query).code(), "NoSuchBucket") << query;
  }
}

TEST_F(Buckets, TakeTheAclTheyHaveAndNoOther) {
  const std::string own = send("GET /bucket?acl").body;
  EXPECT_EQ(send("PUT /bucket?acl", {}, own).status, 200U);
  EXPECT_EQ(send("PUT /bucket?acl", {{"x-amz-acl", "private"}}).status, 200U);
  EXPECT_EQ(send("PUT /bucket?acl", {{"x-amz-acl", "public-read"}}).code(), "AccessControlListNotSupported");
  EXPECT_EQ(send("PUT /bucket?acl", {{"x-amz-grant-read", "id=x"}}).code(), "NotImplemented");
  EXPECT_EQ(send("PUT /bucket?acl").code(), "MissingSecurityHeader");
  std::string shared = own;
  shared.replace(shared.find("FULL_CONTROL"), 12, "READ");
  EXPECT_EQ(send("PUT /bucket?acl", {}, shared).code(), "AccessControlListNotSupported");
  EXPECT_EQ(send("PUT /bucket?acl", {}, "<x").code(), "MalformedXML");
  ASSERT_EQ(send("PUT /bucket/k").status, 200U);
  EXPECT_EQ(send("GET /bucket/k?acl").element("Permission"), "FULL_CONTROL");
  EXPECT_EQ(send("PUT /bucket/k?acl", {{"x-amz-acl", "private"}}).status, 200U);
  EXPECT_EQ(send("GET /bucket/missing?acl").code(), "NoSuchKey");
}

TEST_F(Buckets, SayWhatFirnDoesNotOffer) {
  for (const char* line : {"PUT /bucket?versioning", "PUT /bucket?lifecycle", "GET /bucket?cors", "PUT /bucket?policy",
                           "DELETE /bucket?policy", "PUT /bucket?encryption", "GET /bucket?object-lock", "POST /bucket",
                           "GET /bucket?tagging", "PUT /bucket?unknown", "DELETE /bucket?unknown"}) {
    const auto answer = send(line, {}, "<x/>");
    EXPECT_EQ(answer.status, 501U) << line;
    EXPECT_EQ(answer.code(), "NotImplemented") << line;
    EXPECT_EQ(answer.header("Content-Type"), "application/xml");
  }
  EXPECT_EQ(send("HEAD /bucket").status, 200U) << "DELETE with an unknown sub-resource removed the bucket";
}

TEST_F(Buckets, BelongToNobodyElse) {
  EXPECT_EQ(send("HEAD /bucket", {{"x-amz-expected-bucket-owner", "111122223333"}}).status, 403U);
  EXPECT_EQ(send("HEAD /bucket", {{"x-amz-expected-bucket-owner", "0123owner"}}).status, 200U);
}

}  // namespace
}  // namespace firn::test
