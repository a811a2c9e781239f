#include "auth/timestamp.h"
#include "s3/timestamps.h"

#include <gtest/gtest.h>

namespace firn::gateway {
namespace {

TEST(SigningTime, ReadsTheAmzForm) {
  const auto time = SigningTime::from_amz_date("20130524T000000Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->unix_ms(), 1'369'353'600'000);
  EXPECT_EQ(time->text(), "20130524T000000Z");
  EXPECT_EQ(time->day(), "20130524");
}

TEST(SigningTime, ReadsTheHttpForm) {
  const auto time = SigningTime::from_date_header("Fri, 24 May 2013 01:02:03 GMT");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->text(), "20130524T010203Z");
  EXPECT_EQ(SigningTime::from_date_header("20130524T010203Z")->unix_ms(), time->unix_ms());
  for (const std::string zone : {"UTC", "+0000", "-0000"}) {
    const auto same = SigningTime::from_date_header("Fri, 24 May 2013 01:02:03 " + zone);
    ASSERT_TRUE(same) << zone;
    EXPECT_EQ(same->unix_ms(), time->unix_ms());
  }
}

TEST(SigningTime, RefusesWhatIsNoMoment) {
  for (const char* wrong :
       {"", "20130524", "20130524T000000", "20131324T000000Z", "20130230T000000Z", "20130524T240000Z",
        "20130524T006000Z", "19691231T235959Z", "2013-524T000000Z", "20130524 000000Z", "+0130524T000000Z"}) {
    EXPECT_FALSE(SigningTime::from_amz_date(wrong)) << wrong;
    EXPECT_FALSE(SigningTime::from_date_header(wrong)) << wrong;
  }
  EXPECT_FALSE(SigningTime::from_date_header("Fri, 24 Maj 2013 00:00:00 GMT"));
  EXPECT_FALSE(SigningTime::from_date_header("Fri, 24 May 2013 00:00:00 CET"));
  EXPECT_FALSE(SigningTime::from_date_header("Fri, 24 May 2013 00:00:00 +0100"));
  EXPECT_FALSE(SigningTime::from_date_header("Fri, 24 May 2013 00:00:00"));
}

TEST(HttpDate, IsTheFixedForm) {
  EXPECT_EQ(http_date(1'369'353'600'000), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(http_date(784'111'777'999), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace firn::gateway
