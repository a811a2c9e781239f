#include "http/session.h"

#include <gtest/gtest.h>

#include <string>

#include "firn/base/digest.h"
#include "test_client.h"
#include "test_server.h"

namespace firn::gateway {
namespace {

using namespace test;

std::string content(std::size_t bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes; ++at) text.push_back(static_cast<char>('a' + at % 23));
  return text;
}

class SessionTest : public testing::Test {
 protected:
  Answer ask(std::string_view request, bool head_only = false) {
    EXPECT_TRUE(client_.send(request));
    auto answer = client_.receive(head_only);
    EXPECT_TRUE(answer) << "the connection ended";
    return answer ? *answer : Answer{};
  }
  /// What a request of its own connection comes to, and whether the connection ends after it.
  std::pair<int, bool> outcome_of(std::string_view request) {
    Client client(server_.port());
    client.send(request);
    const auto answer = client.receive();
    const bool ends = client.receive_all().empty();  // Only returns when the server closes.
    return {answer ? answer->status : 0, ends};
  }

  TestServer server_;
  Client client_{server_.port()};
};

TEST_F(SessionTest, AnswersWithTheCommonHeaders) {
  const Answer answer = ask(get("/b/10"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, content(10));
  EXPECT_EQ(answer.header("Server"), "Firn");
  EXPECT_EQ(answer.header("Date"), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(answer.header("x-amz-id-2"), "host-id");
  const std::string id = answer.header("x-amz-request-id");
  EXPECT_EQ(id.size(), 16u);
  EXPECT_EQ(id.find_first_not_of("0123456789ABCDEF"), std::string::npos);
  EXPECT_NE(ask(get("/b/10")).header("x-amz-request-id"), id);
}

TEST_F(SessionTest, ServesManyRequestsOnOneConnection) {
  for (int i = 0; i < 100; ++i) ASSERT_EQ(ask(get("/b/" + std::to_string(i))).body, content(i));
  EXPECT_EQ(server_.connections(), 1u);
}

TEST_F(SessionTest, AnswersPipelinedRequestsInOrder) {
  ASSERT_TRUE(client_.send(get("/b/1") + request_with_body("/b/k", "between") + get("/b/3")));
  EXPECT_EQ(client_.receive()->body, content(1));
  EXPECT_EQ(client_.receive()->body, "between");
  EXPECT_EQ(client_.receive()->body, content(3));
}

TEST_F(SessionTest, TakesAHeadThatArrivesByteByByte) {
  for (const char c : get("/b/5")) ASSERT_TRUE(client_.send({&c, 1}));
  EXPECT_EQ(client_.receive()->body, content(5));
}

TEST_F(SessionTest, StreamsBodiesLargerThanAnySocketBuffer) {
  const std::size_t bytes = 16 * 1024 * 1024 + 7;
  EXPECT_EQ(ask(get("/b/" + std::to_string(bytes) + "-100001")).body, content(bytes));
}

TEST_F(SessionTest, AnswersHeadWithTheLengthAlone) {
  const Answer answer = ask(request_head({.method = "HEAD", .path = "/b/1234"}), true);
  EXPECT_EQ(answer.header("Content-Length"), "1234");
  EXPECT_EQ(ask(get("/b/3")).body, content(3));
  const Answer missing = ask(request_head({.method = "HEAD", .path = "/b/missing"}), true);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(ask(get("/b/4")).body, content(4));
}

TEST_F(SessionTest, EchoesBodiesOfEverySizeAroundItsBuffers) {
  for (const std::size_t bytes : {0, 1, 999, 1000, 1001, 8191, 8192, 8193, 70'000, 3'000'000}) {
    const std::string body = content(bytes);
    const Answer answer = ask(request_with_body("/b/k", body));
    ASSERT_EQ(answer.status, 200) << bytes << answer.body;
    ASSERT_EQ(answer.body, body);
    ASSERT_EQ(answer.header("x-sha"), to_hex(sha256(as_bytes(body))));
    ASSERT_EQ(answer.header("x-length"), std::to_string(bytes));
    ASSERT_EQ(answer.header("x-owner"), kAccessKey);
  }
}

TEST_F(SessionTest, RefusesABodyThatIsNotTheSignedOne) {
  std::string request = request_with_body("/b/k", "the body that was signed");
  request.back() = 'D';
  const Answer answer = ask(request);
  EXPECT_EQ(answer.body, "content_sha256_mismatch");
  EXPECT_EQ(ask(get("/b/2")).body, content(2));  // The body was read to its end: the connection is as good as before.
}

TEST_F(SessionTest, TakesAnUnsignedPayloadAsItIs) {
  const Answer answer = ask(request_head({.method = "PUT", .path = "/b/k"}, "UNSIGNED-PAYLOAD", 5) + "hello");
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.header("x-sha"), "");
}

TEST_F(SessionTest, TakesAwsChunkedWithTrailerByLength) {
  const std::string body = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
  ClientRequest request{.method = "PUT", .path = "/b/k"};
  request.with("x-amz-decoded-content-length", "11").with("x-amz-trailer", "x-amz-checksum-crc32");
  const Answer answer = ask(request_head(request, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", body.size()) + body);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello world");
  EXPECT_EQ(answer.header("x-length"), "11");
  EXPECT_EQ(answer.header("x-trailer-x-amz-checksum-crc32"), "DUoRhQ==");
  EXPECT_EQ(ask(get("/b/2")).body, content(2));
}

/// aws-chunked inside the chunked transfer coding, both in chunks of odd sizes: what pyarrow and JS streams send.
TEST_F(SessionTest, TakesAwsChunkedInsideChunkedTransferCoding) {
  const std::string payload = content(200'000);
  std::string coded;
  char size[32];
  for (std::size_t at = 0; at < payload.size(); at += 65'537) {
    const std::string piece = payload.substr(at, 65'537);
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    coded += size + piece + "\r\n";
  }
  coded += "0\r\nx-amz-checksum-crc64nvme:AAAAAAAAAAA=\r\n\r\n";
  for (const std::size_t outer : {1'000u, 4'096u, 70'001u}) {
    std::string transfer;
    for (std::size_t at = 0; at < coded.size(); at += outer) {
      const std::string piece = coded.substr(at, outer);
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      transfer += size + piece + "\r\n";
    }
    transfer += "0\r\n\r\n";
    ClientRequest request{.method = "PUT", .path = "/b/k"};
    request.with("x-amz-decoded-content-length", "200000").with("x-amz-trailer", "x-amz-checksum-crc64nvme");
    request.with("Transfer-Encoding", "chunked");
    const Answer answer = ask(request_head(request, "STREAMING-UNSIGNED-PAYLOAD-TRAILER") + transfer);
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_EQ(answer.body, payload);
    ASSERT_EQ(answer.header("x-trailer-x-amz-checksum-crc64nvme"), "AAAAAAAAAAA=");
  }
  EXPECT_EQ(ask(get("/b/2")).body, content(2));
}

TEST_F(SessionTest, SaysContinueWhenTheHandlerReadsAndNotBefore) {
  ClientRequest request{.method = "PUT", .path = "/b/k"};
  request.with("Expect", "100-continue");
  ASSERT_TRUE(client_.send(request_head(request, "UNSIGNED-PAYLOAD", 5)));
  EXPECT_EQ(client_.receive()->status, 100);
  ASSERT_TRUE(client_.send("hello"));
  EXPECT_EQ(client_.receive()->body, "hello");
  // Refused before anything is read: the final answer comes at once, and the connection ends since nobody can tell
  // whether the body will follow.
  request.headers.clear();
  request.with("Expect", "100-continue").with("x-amz-meta-a", "1");
  std::string head = request_head(request, "UNSIGNED-PAYLOAD", 5);
  head.replace(head.find("x-amz-meta-a: 1"), 15, "x-amz-meta-a: 2");
  ASSERT_TRUE(client_.send(head));
  const auto refused = client_.receive();
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->header("Connection"), "close");
  client_.end_sending();
  EXPECT_EQ(client_.receive_all(), "");
}

TEST_F(SessionTest, GoesOnAfterABodyNobodyRead) {
  const std::string small = content(100'000);
  const std::string head =
      request_head({.method = "PUT", .path = "/b/k", .query = "ignore"}, "UNSIGNED-PAYLOAD", small.size());
  EXPECT_EQ(ask(head + small).status, 204);
  EXPECT_EQ(ask(get("/b/7")).body, content(7));
}

TEST_F(SessionTest, ClosesAfterALargeBodyNobodyReadButLetsTheAnswerArrive) {
  const std::string large = content(limits::kDrainBytesMax + 1);
  const std::string head =
      request_head({.method = "PUT", .path = "/b/k", .query = "ignore"}, "UNSIGNED-PAYLOAD", large.size());
  ASSERT_TRUE(client_.send(head));
  ASSERT_TRUE(client_.send(large));
  const auto answer = client_.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(answer->header("Connection"), "close");
  client_.end_sending();
  EXPECT_EQ(client_.receive_all(), "");
}

TEST_F(SessionTest, AnswersAFailureBeforeTheFirstByteAndCutsOneAfterIt) {
  EXPECT_EQ(ask(get("/b/fail-0")).body, "io_error");
  EXPECT_EQ(ask(get("/b/missing")).body, "no_such_key");
  ASSERT_TRUE(client_.send(get("/b/fail-500")));
  const std::string all = client_.receive_all();
  EXPECT_NE(all.find("Content-Length: 1000"), std::string::npos);
  EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, 500u);
}

TEST_F(SessionTest, AnswersInternalErrorToAnException) {
  EXPECT_EQ(ask(get("/b/throw")).body, "internal");
  EXPECT_EQ(ask(get("/b/2")).body, content(2));
}

TEST_F(SessionTest, LetsNoHeaderValueStartALineOfItsOwn) {
  const Answer answer = ask(get("/b/inject"));
  EXPECT_EQ(answer.header("X-Evil"), "");
  EXPECT_EQ(answer.header("Content-Disposition"), "a  X-Evil: 1    <html>");
}

TEST_F(SessionTest, ClosesAfterHttp10AndWhenAsked) {
  std::string old = get("/b/3");
  old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
  EXPECT_EQ(outcome_of(old), std::make_pair(200, true));
  ClientRequest closing{.path = "/b/3"};
  closing.with("Connection", "close");
  EXPECT_EQ(outcome_of(request_head(closing)), std::make_pair(200, true));
}

TEST_F(SessionTest, ClosesOnWhateverMakesTheEndOfAMessageDoubtful) {
  const auto with = [](std::string_view line) {
    std::string request = request_head({.method = "PUT", .path = "/b/k"}, "UNSIGNED-PAYLOAD");
    return request.insert(request.find("Host:"), std::string(line)) + "0\r\n\r\n";
  };
  for (const char* line : {
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5, 5\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: \r\n",
           "Content-Length : 5\r\n",
           "Content-Length: 99999999999999999999\r\n",
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: \x0b"
           "chunked\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "X-Folded: a\r\n b\r\n",
           "X-Folded: a\r\n\tb\r\n",
           "X-Bare: a\n",
           "X-Bare: a\rb\r\n",
           "X-Null: a\r\nno colon\r\n",
           "Bad Name: a\r\n",
           ": a\r\n",
           "Host: second\r\n",
       }) {
    EXPECT_EQ(outcome_of(with(line)), std::make_pair(400, true)) << line;
  }
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\n\n"), std::make_pair(400, true));
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\n\r\n"), std::make_pair(400, true));  // No Host.
  EXPECT_EQ(outcome_of("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), std::make_pair(400, true));
  EXPECT_EQ(outcome_of("GET / HTTP/3.0\r\nHost: h\r\n\r\n"), std::make_pair(400, true));
  EXPECT_EQ(outcome_of("\x16\x03\x01\x02\r\n\r\n"), std::make_pair(400, true));
  EXPECT_EQ(ask(get("/b/1")).status, 200);
}

TEST_F(SessionTest, ClosesOnAHeadBeyondTheLimit) {
  std::string request = get("/b/1");
  request.insert(request.find("Host:"), "X-Long: " + std::string(64 * 1024, 'x') + "\r\n");
  EXPECT_EQ(outcome_of(request), std::make_pair(400, true));
  std::string many = get("/b/1");
  for (int i = 0; i < 300; ++i) many.insert(many.find("Host:"), "X-" + std::to_string(i) + ": 1\r\n");
  EXPECT_EQ(outcome_of(many), std::make_pair(400, true));
  std::string long_enough = get("/b/1");
  long_enough.insert(long_enough.find("Host:"), "X-Long: " + std::string(30 * 1024, 'x') + "\r\n");
  EXPECT_EQ(ask(long_enough).status, 200);
  EXPECT_EQ(ask(get("/b/1")).status, 200);
}

TEST_F(SessionTest, ClosesOnMalformedTransferCoding) {
  for (const char* body : {"5\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "xyz\r\n",
                           "5;a\rb\r\nhello\r\n0\r\n\r\n", "ffffffffffffffffff\r\n", "\r\n"}) {
    ClientRequest request{.method = "PUT", .path = "/b/k"};
    request.with("Transfer-Encoding", "chunked");
    EXPECT_EQ(outcome_of(request_head(request, "UNSIGNED-PAYLOAD") + body), std::make_pair(400, true)) << body;
  }
}

TEST_F(SessionTest, KeepsStrangeKeysAsTheyAre) {
  for (const auto& [path, key] :
       std::vector<std::pair<std::string, std::string>>{{"/b/..", ".."},
                                                        {"/b/../../etc/passwd", "../../etc/passwd"},
                                                        {"/b/.", "."},
                                                        {"/b//", "/"},
                                                        {"/b//a//", "/a//"},
                                                        {"/b/a/", "a/"},
                                                        {"/b/%2e%2E/x", "../x"},
                                                        {"/b/a%2Fb", "a/b"},
                                                        {"/b/a%5Cb", "a\\b"},
                                                        {"/b/a+b", "a+b"},
                                                        {"/b/%C3%BC%20%F0%9F%98%80", "\xC3\xBC \xF0\x9F\x98\x80"}}) {
    const Answer answer = ask(request_with_body(path, "x"));
    ASSERT_EQ(answer.status, 200) << path << answer.body;
    EXPECT_EQ(answer.header("x-bucket"), "b") << path;
    EXPECT_EQ(answer.header("x-key"), to_hex(key)) << path;
  }
}

TEST(VirtualHost, NamesTheBucketInTheHostAndTheKeyInThePath) {
  TestServer server(Server::Options{.domains = {"127.0.0.1"}});
  Client client(server.port());
  const ClientRequest to_bucket{.method = "PUT", .path = "/a/b"};
  client.send(request_head(to_bucket, "UNSIGNED-PAYLOAD", 1, "bucket.127.0.0.1:9000") + "x");
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(answer->header("x-bucket"), "bucket");
  EXPECT_EQ(answer->header("x-key"), to_hex("a/b"));
}

TEST_F(SessionTest, RefusesTargetsThatNameNothing) {
  for (const char* path : {"/b/%00", "/b/a%00b", "/b/%ff", "/b/%C0%80", "/b/%zz", "/b/%2", "//key", "/b/a#b"}) {
    Client client(server_.port());
    client.send(request_with_body(path, "x"));
    const auto answer = client.receive();
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 400) << path;
    EXPECT_EQ(answer->body, "invalid_uri") << path;
  }
}

TEST_F(SessionTest, CountsWhatItDid) {
  ask(get("/b/10"));
  ask(get("/b/missing"));
  ask(request_with_body("/b/k", "hello"));
  EXPECT_NE(server_.registry().text().find("firn_http_connections 1"), std::string::npos);
  server_.stop(std::chrono::seconds(10));  // A request is counted after its answer has left.
  const std::string text = server_.registry().text();
  EXPECT_NE(text.find("firn_s3_requests_total{operation=\"Stream\",status=\"2xx\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("firn_s3_requests_total{operation=\"Stream\",status=\"4xx\"} 1"), std::string::npos);
  EXPECT_NE(text.find("firn_s3_requests_total{operation=\"Echo\",status=\"2xx\"} 1"), std::string::npos);
  EXPECT_NE(text.find("firn_s3_received_bytes_total 5"), std::string::npos);
  EXPECT_NE(text.find("firn_http_connections 0"), std::string::npos);
}

}  // namespace
}  // namespace firn::gateway
