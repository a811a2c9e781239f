#include "firn/objects/names.h"

#include <gtest/gtest.h>

#include <string>

namespace firn::objects {
namespace {

TEST(BucketName, FollowsS3sRules) {
  for (const char* good : {"abc", "a-b", "a.b.c", "0ab", "my-bucket.2026", "1.2.3.4.5", "a--b"}) {
    EXPECT_TRUE(check_bucket_name(good)) << good;
  }
  EXPECT_TRUE(check_bucket_name(std::string(63, 'a')));
}

TEST(BucketName, IsRefusedWhenS3RefusesIt) {
  for (const char* bad : {"", "ab", "Abc", "a_b", "-ab", "ab-", ".ab", "ab.", "a..b", "192.168.0.1", "999.1.1.1",
                          "xn--abc", "abc-s3alias", "sthree-abc", "abc--x-s3", "a b", "a/b"}) {
    EXPECT_EQ(check_bucket_name(bad).code(), Errc::invalid_bucket_name) << bad;
  }
  EXPECT_EQ(check_bucket_name(std::string(64, 'a')).code(), Errc::invalid_bucket_name);
}

TEST(Key, IsAnyUtf8UpToItsLimit) {
  for (const char* good :
       {"a", "a/b", "a/b/c", "//", ".", "..", "a/", " ", "\xC3\xA9", "\xF0\x9F\x98\x80", "?&=%\n\x01"}) {
    EXPECT_TRUE(check_key(good)) << good;
  }
  EXPECT_TRUE(check_key(std::string(1024, 'k')));
  EXPECT_EQ(check_key(std::string(1025, 'k')).code(), Errc::key_too_long);
  EXPECT_EQ(check_key("").code(), Errc::invalid_argument);
}

TEST(Key, IsRefusedWhenItIsNotUtf8) {
  for (const char* bad :
       {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "a\xC3("}) {
    EXPECT_EQ(check_key(bad).code(), Errc::invalid_uri);
  }
  EXPECT_EQ(check_key(std::string("a\0b", 3)).code(), Errc::invalid_uri);
}

}  // namespace
}  // namespace firn::objects
