#include "http/body_framing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "http/limits.h"

namespace firn::gateway {
namespace {

/// The payload, or nothing when the framing was refused or did not end. What follows the end is left in `rest`.
std::optional<std::string> decode(std::string_view body, std::size_t piece_bytes, std::string* rest = nullptr) {
  BodyFraming framing = BodyFraming::chunked();
  std::string payload;
  while (!body.empty() && !framing.done()) {
    const std::string_view piece = body.substr(0, piece_bytes);
    std::size_t used = std::min<std::uint64_t>(framing.payload_left(), piece.size());
    if (used > 0) {
      payload.append(piece.substr(0, used));
      framing.payload(used);
    } else {
      const auto consumed = framing.consume(as_bytes(piece));
      if (!consumed) return std::nullopt;
      used = *consumed;
    }
    body.remove_prefix(used);
  }
  if (rest) *rest = body;
  return framing.done() ? std::optional(payload) : std::nullopt;
}

TEST(ChunkedFraming, DoesNotCareWhereTheInputIsSplit) {
  const std::string body = "5\r\nhello\r\n1;ext=\"v\"\r\n \r\n00005\r\nworld\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    std::string rest;
    ASSERT_EQ(decode(body + "GET /next", piece, &rest), "hello world") << piece;
    EXPECT_EQ(rest, "GET /next");
  }
}

TEST(ChunkedFraming, NeverEndsEarly) {
  const std::string body = "5\r\nhello\r\n0\r\n\r\n";
  for (std::size_t kept = 0; kept < body.size(); ++kept) {
    EXPECT_EQ(decode(std::string_view(body).substr(0, kept), 100), std::nullopt) << kept;
  }
}

TEST(ChunkedFraming, RefusesWhatIsNotExactlyRight) {
  for (const char* wrong :
       {"5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "\r\n", ";\r\n",
        "5;\rx\r\nhello\r\n0\r\n\r\n", "0\r\n\n", "0\r\nT: x\n\r\n", "10000000000000000\r\n"}) {
    EXPECT_EQ(decode(wrong, 100), std::nullopt) << wrong;
  }
}

TEST(ChunkedFraming, BoundsLinesAndTrailers) {
  EXPECT_EQ(decode("1;" + std::string(limits::kTransferLineBytesMax, 'x') + "\r\na\r\n0\r\n\r\n", 7), std::nullopt);
  std::string trailers = "0\r\n";
  while (trailers.size() < 2 * limits::kTransferTrailerBytesMax) trailers += "Name: " + std::string(100, 'x') + "\r\n";
  EXPECT_EQ(decode(trailers + "\r\n", 7), std::nullopt);
}

TEST(LengthFraming, CountsDown) {
  BodyFraming framing = BodyFraming::with_length(10);
  EXPECT_FALSE(framing.done());
  framing.payload(4);
  EXPECT_EQ(framing.payload_left(), 6u);
  EXPECT_EQ(framing.consume(as_bytes("x")).value(), 0u);
  framing.payload(6);
  EXPECT_TRUE(framing.done());
  EXPECT_TRUE(BodyFraming::with_length(0).done());
  EXPECT_TRUE(BodyFraming().done());
}

}  // namespace
}  // namespace firn::gateway
