#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/authenticator.h"
#include "firn/base/buffer.h"
#include "firn/base/digest.h"
#include "firn/base/result.h"

namespace firn::gateway {

/// Takes the aws-chunked coding off a body and checks its signatures. Does no I/O and holds no payload: the caller asks
/// how many payload bytes come next, moves them wherever it likes, and shows them here on the way.
///
///   while (!decoder.done())
///     if (decoder.payload_left() == 0) consumed = decoder.consume(bytes);
///     else                             decoder.payload(bytes.first(at most payload_left()));
///
/// A chunk's signature is checked when its last byte has been shown, so what was read counts only once `done()`.
/// Memory: one line of framing.
class AwsChunkedDecoder {
 public:
  struct Options {
    PayloadForm form = PayloadForm::streaming_unsigned_trailer;
    std::uint64_t decoded_length_bytes = 0;       ///< x-amz-decoded-content-length.
    std::optional<ChunkSeed> seed;                ///< For the signed forms.
    std::vector<std::string> announced_trailers;  ///< x-amz-trailer, lower case. Only these may come, and all must.
  };
  explicit AwsChunkedDecoder(Options options);

  /// Payload bytes that come next without framing between them; 0 when framing comes next.
  std::uint64_t payload_left() const { return state_ == State::payload ? chunk_left_bytes_ : 0; }
  /// Takes framing from the front of `bytes`; returns how much. Stops where payload begins.
  Result<std::size_t> consume(ByteView bytes);
  /// The next payload bytes, at most `payload_left()`.
  Result<> payload(ByteView bytes);
  /// Everything has arrived and every signature, the length and the trailers were right.
  bool done() const { return state_ == State::done; }
  /// The body has ended here: an error unless all that matters had arrived.
  Result<> finish();

  /// Once done. Names in lower case.
  const std::vector<std::pair<std::string, std::string>>& trailers() const { return trailers_; }

  /// A size of at most 16 digits, ";chunk-signature=" and 64 digits make 99; some clients add an extension.
  static constexpr std::size_t kLineBytesMax = 256;
  /// A checksum and a signature take some 150 bytes.
  static constexpr std::size_t kTrailerBytesMax = 4096;

 private:
  enum class State : std::uint8_t { size_line, payload, payload_end, trailer, done };

  bool is_signed() const { return options_.form != PayloadForm::streaming_unsigned_trailer; }
  bool has_trailer() const { return options_.form != PayloadForm::streaming_signed; }
  Result<> end_line();
  Result<> begin_chunk();
  Result<> end_chunk();
  Result<> end_trailer_line();
  Result<> verify_chunk();
  Result<> verify_trailer(std::string_view claimed);
  Result<> end_body();
  Error malformed(const char* what) const;

  Options options_;
  State state_ = State::size_line;
  std::string line_;
  std::uint64_t chunk_left_bytes_ = 0;
  std::uint64_t decoded_bytes_ = 0;
  bool last_chunk_ = false;
  std::string chunk_signature_;     // As the current chunk claims it.
  std::string previous_signature_;  // The link that the next signature covers.
  std::optional<Hasher> chunk_hash_;
  std::string canonical_trailer_;
  std::size_t trailer_bytes_ = 0;
  bool trailer_verified_ = false;
  std::vector<std::pair<std::string, std::string>> trailers_;
};

}  // namespace firn::gateway
