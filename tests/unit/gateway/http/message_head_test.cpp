#include "http/message_head.h"

#include <gtest/gtest.h>

#include <string>

#include "http/limits.h"

namespace firn::gateway {
namespace {

using State = HeadScanner::State;

State scan_all(std::string_view bytes) {
  HeadScanner scanner;
  return scanner.scan(bytes);
}

TEST(HeadScanner, FindsTheEndWhereverTheBytesAreSplit) {
  const std::string head = "\r\nGET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
  const std::string bytes = head + "body";
  for (std::size_t first = 0; first < head.size(); ++first) {
    HeadScanner scanner;
    ASSERT_EQ(scanner.scan(std::string_view(bytes).substr(0, first)), State::incomplete) << first;
    ASSERT_EQ(scanner.scan(bytes), State::complete) << first;
    EXPECT_EQ(scanner.skipped_bytes(), 2u);
    EXPECT_EQ(scanner.head_bytes(), head.size() - 2);
  }
}

TEST(HeadScanner, RefusesBareLineFeedsAndFoldedLines) {
  EXPECT_EQ(scan_all("GET / HTTP/1.1\n"), State::malformed);
  EXPECT_EQ(scan_all("\n"), State::malformed);
  EXPECT_EQ(scan_all("GET / HTTP/1.1\r\nHost: h\n\r\n"), State::malformed);
  EXPECT_EQ(scan_all("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), State::malformed);
  EXPECT_EQ(scan_all("GET / HTTP/1.1\r\n A: b\r\n\r\n"), State::malformed);
  EXPECT_EQ(scan_all("GET / HTTP/1.1\r\n\n"), State::malformed);
}

TEST(HeadScanner, ForgivesFewEmptyLinesBeforeTheRequest) {
  EXPECT_EQ(scan_all("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), State::complete);
  EXPECT_EQ(scan_all("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"), State::malformed);
}

TEST(HeadScanner, StopsAtTheLimit) {
  const std::string line = "GET / HTTP/1.1\r\nX: ";
  const std::size_t fill = limits::kHeadBytesMax - line.size() - 4;
  EXPECT_EQ(scan_all(line + std::string(fill, 'x') + "\r\n\r\n"), State::complete);
  EXPECT_EQ(scan_all(line + std::string(fill + 1, 'x') + "\r\n\r\n"), State::too_large);
  EXPECT_EQ(scan_all(line + std::string(fill + 100, 'x')), State::too_large);
}

TEST(MessageHead, ReadsWhatTheSessionNeeds) {
  MessageHead head;
  ASSERT_TRUE(
      head.parse("PUT /b/k?x=1 HTTP/1.1\r\nhost: h:9000\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n\r\n"));
  EXPECT_EQ(head.method(), Verb::put);
  EXPECT_EQ(head.method_text(), "PUT");
  EXPECT_EQ(head.target(), "/b/k?x=1");
  EXPECT_EQ(head.host(), "h:9000");
  EXPECT_EQ(head.content_length(), 12u);
  EXPECT_TRUE(head.expects_continue());
  EXPECT_TRUE(head.keep_alive());
  // The same object reads the next head without a trace of this one.
  ASSERT_TRUE(head.parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\nTransfer-Encoding: Chunked\r\n\r\n"));
  EXPECT_FALSE(head.content_length());
  EXPECT_FALSE(head.expects_continue());
  EXPECT_FALSE(head.keep_alive());
  EXPECT_TRUE(head.chunked());
}

TEST(MessageHead, TakesHttp10WithoutHostAndWithoutKeepAlive) {
  MessageHead head;
  ASSERT_TRUE(head.parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(head.keep_alive());
  EXPECT_FALSE(head.parse("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST(MessageHead, TakesMethodsItDoesNotKnow) {
  MessageHead head;
  ASSERT_TRUE(head.parse("BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(head.method(), Verb::unknown);
  EXPECT_EQ(head.method_text(), "BREW");
}

TEST(MessageHead, RefusesHostsThatAreNone) {
  MessageHead head;
  for (const char* host : {"a b", "a/b", "a@b", "a?b", "a#b", "<a>", "a,b"}) {
    EXPECT_FALSE(head.parse(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n")) << host;
  }
}

TEST(MessageHead, IgnoresExpectationsItDoesNotKnow) {
  MessageHead head;
  ASSERT_TRUE(head.parse("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: miracles\r\n\r\n"));
  EXPECT_FALSE(head.expects_continue());
}

TEST(MessageHead, RefusesSecondSignatures) {
  MessageHead head;
  EXPECT_FALSE(head.parse("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n"));
}

}  // namespace
}  // namespace firn::gateway
