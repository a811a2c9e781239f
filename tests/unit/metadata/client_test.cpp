#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "machine.h"
#include "test_node.h"

namespace firn::metadata {
namespace {

class Client_ : public testing::Test {
 protected:
  Client_() : node_(6, 2) {
    const Result<> started = node_.start();
    EXPECT_TRUE(started) << started.error().detail;
  }
  BucketId bucket() { return node_.run(node_.client().create_bucket("b", "")).value().id; }
  std::string body(BucketId bucket, const std::string& key) {
    const auto found = node_.run(node_.client().find_object(bucket, key, true));
    if (!found) return std::string(to_string(found.error().code));
    std::string bytes;
    for (const SharedBytes& part : found->inline_bodies) bytes += as_text(part.bytes);
    return bytes;
  }
  TestNode node_;
};
using MetadataClient = Client_;

TEST_F(MetadataClient, GivesBackWhatWasPut) {
  const BucketId b = bucket();
  PutObject put = put_inline(b, "k", "snow");
  put.attributes.content_type = "text/plain";
  put.attributes.user_metadata = {{"colour", "white"}};
  const auto committed = node_.run(node_.client().put_object(put));
  ASSERT_TRUE(committed) << committed.error().detail;
  const auto found = node_.run(node_.client().find_object(b, "k", true));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->object.etag, put.etag);
  EXPECT_EQ(found->object.size_bytes, 4u);
  EXPECT_EQ(found->object.attributes.content_type, "text/plain");
  EXPECT_EQ(found->object.attributes.user_metadata, put.attributes.user_metadata);
  EXPECT_EQ(body(b, "k"), "snow");
}

TEST_F(MetadataClient, KeepsEverythingOverARestart) {
  const BucketId b = bucket();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(node_.run(node_.client().put_object(put_inline(b, std::to_string(i), "body " + std::to_string(i)))));
  }
  const Result<> restarted = node_.start();
  ASSERT_TRUE(restarted) << restarted.error().detail;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(body(b, std::to_string(i)), "body " + std::to_string(i));
  EXPECT_EQ(node_.run(node_.client().find_bucket("b"))->id, b);
}

TEST_F(MetadataClient, ListsOnePageAfterAnother) {
  const BucketId b = bucket();
  for (const char* key : {"a", "d/1", "d/2", "e/", "f"}) {
    ASSERT_TRUE(node_.run(node_.client().put_object(put_inline(b, key, "x"))));
  }
  ListQuery query{.bucket = b, .delimiter = "/", .max_keys = 2};
  const auto first = node_.run(node_.client().list_objects(query));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->entries.size(), 1u);
  EXPECT_EQ(first->common_prefixes, std::vector<std::string>{"d/"});
  EXPECT_TRUE(first->truncated);
  query.start_after = first->next;
  const auto second = node_.run(node_.client().list_objects(query));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->common_prefixes, std::vector<std::string>{"e/"});
  EXPECT_EQ(second->entries.at(0).key, "f");
  EXPECT_FALSE(second->truncated);
}

TEST_F(MetadataClient, ListsAlikeWhatAnIoThreadHasTimeForAndWhatItHasNot) {
  const BucketId b = bucket();
  constexpr int kPrefixes = 300;  // Each is a seek.
  constexpr int kKeys = 9;        // More than are stepped over.
  for (int i = 0; i < kPrefixes * kKeys; ++i) {
    const std::string key = std::to_string(1000 + i / kKeys) + "/" + std::to_string(i % kKeys);
    ASSERT_TRUE(node_.run(node_.client().put_object(put_inline(b, key, "x"))));
  }
  for (const std::uint32_t wanted : {1U, 100U, 299U, 300U, 1000U}) {
    const auto page = node_.run(node_.client().list_objects({.bucket = b, .delimiter = "/", .max_keys = wanted}));
    ASSERT_TRUE(page) << page.error().detail;
    ASSERT_EQ(page->common_prefixes.size(), std::min<std::size_t>(wanted, kPrefixes));
    EXPECT_EQ(page->common_prefixes.back(), std::to_string(999 + page->common_prefixes.size()) + "/");
    EXPECT_EQ(page->truncated, wanted < kPrefixes);
  }
  for (const std::uint32_t wanted : {1000U, 2000U, 5000U}) {
    const auto page = node_.run(node_.client().list_objects({.bucket = b, .max_keys = wanted}));
    ASSERT_TRUE(page) << page.error().detail;
    EXPECT_EQ(page->entries.size(), std::min<std::size_t>(wanted, kPrefixes * kKeys));
    EXPECT_EQ(page->truncated, wanted < kPrefixes * kKeys);
  }
}

TEST_F(MetadataClient, ListsWhatLiesBehindManyRemovedRows) {
  const BucketId b = bucket();
  constexpr int kRemoved = 3'000;
  std::vector<DeleteObject> keys;
  for (int i = 0; i < kRemoved; ++i) {
    ASSERT_TRUE(node_.run(node_.client().put_object(put_inline(b, "k" + std::to_string(10'000 + i), "x"))));
    keys.push_back({.key = "k" + std::to_string(10'000 + i)});
  }
  ASSERT_TRUE(node_.run(node_.client().put_object(put_inline(b, "last", "x"))));
  ASSERT_TRUE(node_.run(node_.client().delete_objects(b, std::move(keys))));
  const auto page = node_.run(node_.client().list_objects({.bucket = b, .max_keys = 10}));
  ASSERT_TRUE(page) << page.error().detail;
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_EQ(page->entries.front().key, "last");
}

TEST_F(MetadataClient, DeletesObjectsOfVeryManyPartsAFewAtATime) {
  const BucketId b = bucket();
  ASSERT_TRUE(node_.run(node_.client().put_cluster_map(six_drives(1, 1))));
  const auto lease = node_.run(node_.client().register_gateway(Uuid{.bytes = {1}}));
  ASSERT_TRUE(lease);
  constexpr std::uint64_t kParts = 12'000;
  std::vector<DeleteObject> keys;
  for (std::uint32_t i = 0; i < 5; ++i) {
    const std::string key = std::to_string(i);
    PutObject put = put_extent(b, key, {*lease, i + 1}, kParts);
    const Slice whole = put.body.slices.front();
    put.body.slices.clear();
    for (std::uint64_t part = 0; part < kParts; ++part) {
      put.body.slices.push_back(whole);
      put.body.slices.back().offset = part;
      put.body.slices.back().length = 1;
    }
    const auto committed = node_.run(node_.client().put_object(std::move(put)));
    ASSERT_TRUE(committed) << committed.error().detail;
    keys.push_back({.key = key});
  }
  keys.insert(keys.begin() + 2, DeleteObject{.key = "never"});
  const std::uint64_t before = node_.node().status().applied_index;
  const auto deleted = node_.run(node_.client().delete_objects(b, keys));
  ASSERT_TRUE(deleted);
  ASSERT_EQ(deleted->size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ((*deleted)[i].existed, i != 2) << i;
  EXPECT_GE(node_.node().status().applied_index, before + 3) << "two objects to an entry";
  EXPECT_EQ(node_.run(node_.client().usage(b))->objects, 0U);
}

TEST_F(MetadataClient, AnswersADeletedBucketsNameAsUnknownAtOnce) {
  bucket();
  ASSERT_TRUE(node_.run(node_.client().delete_bucket("b")));
  EXPECT_EQ(node_.run(node_.client().find_bucket("b")).code(), Errc::no_such_bucket);
}

TEST_F(MetadataClient, HasNothingToComplainOfAfterUse) {
  const BucketId b = bucket();
  ASSERT_TRUE(node_.run(node_.client().put_object(put_inline(b, "k", std::string(5000, 'x')))));
  const auto report = node_.run(node_.node().verify());
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_EQ(report->problems, 0u) << report->details.front();
  EXPECT_EQ(report->objects, 1u);
}

}  // namespace
}  // namespace firn::metadata
