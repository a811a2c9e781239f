// aws-chunked: the outcome does not hang on where the input is split; a signed body is never accepted without its key;
// an accepted one has the length and the trailers it announced.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/aws_chunked.h"
#include "firn/base/assert.h"

namespace {

using namespace firn::gateway;

struct Outcome {
  bool accepted = false;
  std::string payload;
};

Outcome decode(const AwsChunkedDecoder::Options& options, std::string_view body, std::size_t piece_bytes) {
  AwsChunkedDecoder decoder(options);
  Outcome outcome;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, piece_bytes);
    std::size_t used = std::min<std::uint64_t>(decoder.payload_left(), piece.size());
    if (used > 0) {
      outcome.payload.append(piece.substr(0, used));
      if (!decoder.payload(firn::as_bytes(piece.substr(0, used)))) return outcome;
    } else {
      const auto consumed = decoder.consume(firn::as_bytes(piece));
      if (!consumed) return outcome;
      used = *consumed;
      FIRN_ASSERT(used > 0);
    }
    body.remove_prefix(used);
  }
  outcome.accepted = decoder.finish().has_value();
  if (outcome.accepted) FIRN_ASSERT(decoder.trailers().size() == options.announced_trailers.size());
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kOptionBytes = 3;
  if (size < kOptionBytes) return 0;
  AwsChunkedDecoder::Options options;
  options.form = static_cast<PayloadForm>(static_cast<int>(PayloadForm::streaming_signed) + data[0] % 3);
  options.decoded_length_bytes = data[1];
  if (options.form != PayloadForm::streaming_signed) options.announced_trailers = {"x-amz-checksum-crc32"};
  const bool is_signed = options.form != PayloadForm::streaming_unsigned_trailer;
  if (is_signed) {
    options.seed = ChunkSeed{{'k', 'e', 'y'}, *SigningTime::from_amz_date("20130524T000000Z"), "scope", "seed"};
  }
  const std::string_view body(reinterpret_cast<const char*>(data) + kOptionBytes, size - kOptionBytes);
  const Outcome whole = decode(options, body, body.size());
  const Outcome split = decode(options, body, data[2] + 1u);
  FIRN_ASSERT(whole.accepted == split.accepted);
  if (!whole.accepted) return 0;
  FIRN_ASSERT(!is_signed && whole.payload == split.payload && whole.payload.size() == options.decoded_length_bytes);
  return 0;
}
