#include "auth/hoisted_headers.h"

#include <gtest/gtest.h>

#include "http/target.h"

namespace firn::gateway {
namespace {

Result<std::optional<Fields>> hoisted(std::string_view raw_query, const Fields& sent = {}) {
  const auto query = parse_query(raw_query);
  EXPECT_TRUE(query);
  return with_hoisted_headers(*query, sent);
}

TEST(HoistedHeaders, ComeBesideThoseSent) {
  Fields sent;
  sent.insert("Host", "h");
  sent.insert("x-amz-meta-both", "head");
  const auto merged = hoisted("x-amz-meta-a=1%202&X-Amz-Acl=private&x-amz-meta-both=query&prefix=p", sent);
  ASSERT_TRUE(merged && *merged);
  EXPECT_EQ((**merged)["x-amz-meta-a"], "1 2");
  EXPECT_EQ((**merged)["x-amz-acl"], "private");
  EXPECT_EQ((**merged)["x-amz-meta-both"], "head");
  EXPECT_EQ((**merged)["host"], "h");
  EXPECT_EQ((**merged).count("prefix"), 0U);
}

TEST(HoistedHeaders, AreNotTheSignaturesParametersNorTheBodysChecksums) {
  const auto merged = hoisted(
      "X-Amz-Algorithm=a&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=s&"
      "X-Amz-Security-Token=t&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-amz-checksum-crc32=AAAAAA%3D%3D&"
      "x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject&Expires=1");
  ASSERT_TRUE(merged);
  EXPECT_FALSE(*merged);
}

TEST(HoistedHeaders, HaveNoBytesThatEndAHeader) {
  for (const char* query : {"x-amz-meta-a=1%0D%0AX:2", "x-amz-meta-a=1%0A2", "x-amz-meta-a%0D%0Ab=1",
                            "x-amz-meta-a%3Ab=1", "x-amz-meta-a=%7F"}) {
    EXPECT_EQ(hoisted(query).code(), Errc::invalid_argument) << query;
  }
  EXPECT_TRUE(hoisted("x-amz-meta-a=%C3%A4%09b"));
}

}  // namespace
}  // namespace firn::gateway
