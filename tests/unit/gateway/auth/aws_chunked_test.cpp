#include "auth/aws_chunked.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "firn/base/digest.h"
#include "signed_request.h"

namespace firn::gateway {
namespace {

using test::kAmzDate;
using test::kEmptySha256;
using test::kScope;
using test::kSecretKey;

constexpr std::string_view kSeed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
constexpr std::string_view kTrailerSeed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";

ChunkSeed seed_with(std::string_view signature) {
  return {derive_signing_key(kSecretKey, parse_scope(kScope).value()), SigningTime::from_amz_date(kAmzDate).value(),
          std::string(kScope), std::string(signature)};
}

/// Decodes as the session does, the input arriving in pieces of `piece_bytes`.
struct Decoded {
  Result<> outcome;
  std::string payload;
  std::vector<std::pair<std::string, std::string>> trailers;
};
Decoded decode(AwsChunkedDecoder::Options options, std::string_view body, std::size_t piece_bytes = 1 << 20) {
  AwsChunkedDecoder decoder(std::move(options));
  Decoded decoded;
  while (!body.empty()) {
    std::string_view piece = body.substr(0, piece_bytes);
    body.remove_prefix(piece.size());
    while (!piece.empty()) {
      std::size_t used = std::min<std::uint64_t>(piece.size(), decoder.payload_left());
      if (used > 0) {
        decoded.payload.append(piece.substr(0, used));
        decoded.outcome = decoder.payload(as_bytes(piece.substr(0, used)));
      } else {
        auto consumed = decoder.consume(as_bytes(piece));
        decoded.outcome = consumed ? Result<>() : Result<>(consumed.error());
        used = consumed ? *consumed : 0;
      }
      if (!decoded.outcome) return decoded;
      piece.remove_prefix(used);
    }
  }
  decoded.outcome = decoder.finish();
  decoded.trailers = decoder.trailers();
  return decoded;
}

/// A client's signed chunks.
class ChunkWriter {
 public:
  explicit ChunkWriter(std::string_view seed_signature) : seed_(seed_with(seed_signature)), previous_(seed_signature) {}

  std::string chunk(std::string_view data) {
    previous_ =
        signature("AWS4-HMAC-SHA256-PAYLOAD", std::string(kEmptySha256) + "\n" + to_hex(sha256(as_bytes(data))));
    char size[17];
    std::snprintf(size, sizeof size, "%zx", data.size());
    std::string text = std::string(size) + ";chunk-signature=" + previous_ + "\r\n" + std::string(data);
    return data.empty() ? text : text + "\r\n";
  }
  std::string chunks(std::initializer_list<std::string_view> all) {
    std::string text;
    for (const std::string_view data : all) text += chunk(data);
    return text;
  }
  std::string trailer_signature(std::string_view canonical) {
    return signature("AWS4-HMAC-SHA256-TRAILER", to_hex(sha256(as_bytes(canonical))));
  }

 private:
  std::string signature(std::string_view algorithm, std::string_view rest) const {
    std::string to_sign(algorithm);
    to_sign.append("\n").append(kAmzDate).append("\n").append(kScope).append("\n").append(previous_).append("\n");
    return sign(seed_.key, to_sign.append(rest));
  }
  ChunkSeed seed_;
  std::string previous_;
};

AwsChunkedDecoder::Options signed_options(std::uint64_t length) {
  return {.form = PayloadForm::streaming_signed, .decoded_length_bytes = length, .seed = seed_with(kSeed)};
}
AwsChunkedDecoder::Options signed_trailer_options(std::uint64_t length) {
  return {.form = PayloadForm::streaming_signed_trailer,
          .decoded_length_bytes = length,
          .seed = seed_with(kTrailerSeed),
          .announced_trailers = {"x-amz-checksum-crc32c"}};
}
AwsChunkedDecoder::Options unsigned_options(std::uint64_t length,
                                            std::vector<std::string> trailers = {"x-amz-checksum-crc32"}) {
  return {.form = PayloadForm::streaming_unsigned_trailer,
          .decoded_length_bytes = length,
          .announced_trailers = std::move(trailers)};
}

const std::string kPublishedPayload(66'560, 'a');

std::string published_body() {
  return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
         std::string(65'536, 'a') + "\r\n" +
         "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
         std::string(1'024, 'a') + "\r\n" +
         "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
}

std::string published_trailer_body() {
  return "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" +
         std::string(65'536, 'a') + "\r\n" +
         "400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" +
         std::string(1'024, 'a') + "\r\n" +
         "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
         "x-amz-checksum-crc32c:sOO8/Q==\r\n" +
         "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
}

TEST(AwsChunked, AcceptsThePublishedExample) {
  const Decoded decoded = decode(signed_options(66'560), published_body());
  ASSERT_TRUE(decoded.outcome) << decoded.outcome.error().detail;
  EXPECT_EQ(decoded.payload, kPublishedPayload);
}

TEST(AwsChunked, AcceptsThePublishedExampleWithTrailer) {
  const Decoded decoded = decode(signed_trailer_options(66'560), published_trailer_body());
  ASSERT_TRUE(decoded.outcome) << decoded.outcome.error().detail;
  EXPECT_EQ(decoded.payload, kPublishedPayload);
  ASSERT_EQ(decoded.trailers.size(), 1u);
  EXPECT_EQ(decoded.trailers[0].first, "x-amz-checksum-crc32c");
  EXPECT_EQ(decoded.trailers[0].second, "sOO8/Q==");
}

TEST(AwsChunked, DoesNotCareWhereTheInputIsSplit) {
  ChunkWriter writer(kTrailerSeed);
  std::string body = writer.chunks({"hello ", "chunked world", ""});
  body += "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" +
          writer.trailer_signature("x-amz-checksum-crc32c:sOO8/Q==\n") + "\r\n\r\n";
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    const Decoded decoded = decode(signed_trailer_options(19), body, piece);
    ASSERT_TRUE(decoded.outcome) << piece << ": " << decoded.outcome.error().detail;
    ASSERT_EQ(decoded.payload, "hello chunked world");
  }
}

TEST(AwsChunked, RefusesEveryTruncation) {
  ChunkWriter writer(kTrailerSeed);
  std::string body = writer.chunks({"hello ", "chunked world", ""});
  body += "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" +
          writer.trailer_signature("x-amz-checksum-crc32c:sOO8/Q==\n") + "\r\n";
  ASSERT_TRUE(decode(signed_trailer_options(19), body).outcome);  // The very last CRLF may be missing, nothing else.
  for (std::size_t kept = 0; kept < body.size(); ++kept) {
    ASSERT_FALSE(decode(signed_trailer_options(19), std::string_view(body).substr(0, kept)).outcome) << kept;
  }
}

TEST(AwsChunked, RefusesEveryFlippedBitOfASignedBody) {
  ChunkWriter writer(kSeed);
  const std::string body = writer.chunks({"hello ", "world", ""}) + "\r\n";
  ASSERT_TRUE(decode(signed_options(11), body).outcome);
  for (std::size_t at = 0; at < body.size(); ++at) {
    for (const char flip : {'\x01', '\x80'}) {
      std::string wrong = body;
      wrong[at] = static_cast<char>(wrong[at] ^ flip);
      ASSERT_FALSE(decode(signed_options(11), wrong).outcome) << at;
    }
  }
}

TEST(AwsChunked, RefusesChunksInAnotherOrderLeftOutOrRepeated) {
  ChunkWriter writer(kSeed);
  const std::string first = writer.chunk("first-");
  const std::string second = writer.chunk("second");
  const std::string last = writer.chunk("") + "\r\n";
  ASSERT_TRUE(decode(signed_options(12), first + second + last).outcome);
  EXPECT_EQ(decode(signed_options(12), second + first + last).outcome.code(), Errc::signature_does_not_match);
  EXPECT_EQ(decode(signed_options(6), second + last).outcome.code(), Errc::signature_does_not_match);
  EXPECT_EQ(decode(signed_options(12), first + first + last).outcome.code(), Errc::signature_does_not_match);
  EXPECT_EQ(decode(signed_options(6), first + last).outcome.code(), Errc::signature_does_not_match);
}

TEST(AwsChunked, RefusesASignedStreamWithoutSignatures) {
  EXPECT_EQ(decode(signed_options(5), "5\r\nhello\r\n0\r\n\r\n").outcome.code(), Errc::invalid_request);
  EXPECT_EQ(decode(signed_options(5), "5;chunk-signature=\r\nhello\r\n").outcome.code(),
            Errc::signature_does_not_match);
}

TEST(AwsChunked, RefusesATrailerWhoseSignatureIsWrongOrMissing) {
  ChunkWriter writer(kTrailerSeed);
  const std::string chunks = writer.chunks({"hello", ""});
  const std::string right = writer.trailer_signature("x-amz-checksum-crc32c:sOO8/Q==\n");
  const auto outcome = [&](const std::string& trailer) {
    return decode(signed_trailer_options(5), chunks + trailer).outcome.code();
  };
  EXPECT_EQ(outcome("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" + right + "\r\n\r\n"), std::nullopt);
  EXPECT_EQ(outcome("x-amz-checksum-crc32c:XXX8/Q==\r\nx-amz-trailer-signature:" + right + "\r\n\r\n"),
            Errc::signature_does_not_match);
  EXPECT_EQ(outcome("x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n"), Errc::incomplete_body);
  EXPECT_EQ(outcome("x-amz-trailer-signature:" + writer.trailer_signature("") + "\r\n\r\n"), Errc::malformed_trailer);
  EXPECT_EQ(outcome("x-amz-trailer-signature:" + right + "\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n"),
            Errc::signature_does_not_match);
}

TEST(AwsChunked, TakesATrailerWhoseLinesEndInBareLineFeeds) {
  ChunkWriter writer(kTrailerSeed);
  const std::string chunks = writer.chunks({"hello", ""});
  const std::string right = writer.trailer_signature("x-amz-checksum-crc32c:sOO8/Q==\n");
  const std::string trailer = "x-amz-checksum-crc32c:sOO8/Q==\n\r\nx-amz-trailer-signature:" + right + "\r\n\r\n";
  EXPECT_TRUE(decode(signed_trailer_options(5), chunks + trailer).outcome);
  EXPECT_TRUE(decode(unsigned_options(5), "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n").outcome);
}

TEST(AwsChunked, TakesUnsignedChunksWithATrailer) {
  const Decoded decoded =
      decode(unsigned_options(5), "3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Amz-Checksum-Crc32: NhCmhg== \r\n\r\n", 1);
  ASSERT_TRUE(decoded.outcome) << decoded.outcome.error().detail;
  EXPECT_EQ(decoded.payload, "hello");
  ASSERT_EQ(decoded.trailers.size(), 1u);
  EXPECT_EQ(decoded.trailers[0], std::make_pair(std::string("x-amz-checksum-crc32"), std::string("NhCmhg==")));
  EXPECT_TRUE(decode(unsigned_options(0, {}), "0\r\n\r\n").outcome);
}

TEST(AwsChunked, HoldsTheTrailerToWhatWasAnnounced) {
  const std::string chunks = "5\r\nhello\r\n0\r\n";
  const auto outcome = [&](const std::string& trailer) {
    return decode(unsigned_options(5), chunks + trailer).outcome.code();
  };
  EXPECT_EQ(outcome("\r\n"), Errc::malformed_trailer);
  EXPECT_EQ(outcome("x-amz-checksum-sha1:AA==\r\n\r\n"), Errc::malformed_trailer);
  EXPECT_EQ(outcome("x-amz-checksum-crc32:AA==\r\nx-amz-checksum-crc32:AA==\r\n\r\n"), Errc::malformed_trailer);
  EXPECT_EQ(outcome("no colon\r\n\r\n"), Errc::malformed_trailer);
  EXPECT_EQ(outcome("x-amz-checksum-crc32:AA==\r\n"), Errc::incomplete_body);
  EXPECT_EQ(outcome("x-amz-checksum-crc32:" + std::string(5000, 'A') + "\r\n\r\n"), Errc::malformed_trailer);
}

TEST(AwsChunked, HoldsThePayloadToTheDecodedLength) {
  const std::string trailer = "x-amz-checksum-crc32:NhCmhg==\r\n\r\n";
  EXPECT_EQ(decode(unsigned_options(4), "5\r\nhello\r\n0\r\n" + trailer).outcome.code(), Errc::incomplete_body);
  EXPECT_EQ(decode(unsigned_options(6), "5\r\nhello\r\n0\r\n" + trailer).outcome.code(), Errc::incomplete_body);
  EXPECT_EQ(decode(unsigned_options(5), "ffffffffffffffff\r\nhello").outcome.code(), Errc::incomplete_body);
}

TEST(AwsChunked, RefusesMalformedFraming) {
  for (const char* wrong :
       {"\r\nhello", "5 \r\nhello", "0x5\r\nhello", "-5\r\nhello", "+5\r\nhello", "5\nhello", "g\r\nhello",
        "10000000000000000\r\nhello", "5\r\nhelloX\r\n", "5\r\nhello\n", ";\r\nhello"}) {
    EXPECT_FALSE(decode(unsigned_options(5), wrong).outcome) << wrong;
  }
  const std::string endless(AwsChunkedDecoder::kLineBytesMax + 1, '0');
  AwsChunkedDecoder decoder(unsigned_options(5));
  EXPECT_EQ(decoder.consume(as_bytes(endless)).code(), Errc::invalid_request);
}

TEST(AwsChunked, RefusesWhatFollowsTheEnd) {
  const std::string body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
  EXPECT_TRUE(decode(unsigned_options(5), body + "\r\n").outcome);
  EXPECT_EQ(decode(unsigned_options(5), body + "GET / HTTP/1.1\r\n").outcome.code(), Errc::invalid_request);
}

}  // namespace
}  // namespace firn::gateway
