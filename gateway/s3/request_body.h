#pragma once

#include <string>

#include "firn/base/result.h"
#include "firn/objects/body.h"
#include "s3/request.h"

namespace firn::gateway {

/// A small document the handler needs whole, with Content-MD5 and checksums compared. Errc::missing_content_length,
/// max_message_length_exceeded, bad_digest. `digest_required`: S3 refuses these without one (Errc::invalid_request).
Task<std::string> read_document(Request& request, std::size_t bytes_max, bool digest_required = false);

/// The same where x-amz-checksum-* speak of something else than the document: CompleteMultipartUpload.
Task<std::string> read_plain_document(Request& request, std::size_t bytes_max);

/// The session's decoded body as an object's source.
class HttpBodySource final : public objects::BodySource {
 public:
  /// `algorithm`: of the checksum looked for in the trailer, if one was announced. Lengths are checked by `make`.
  HttpBodySource(RequestBody& body, std::uint64_t length_bytes, metadata::ChecksumAlgorithm algorithm)
      : body_(body), length_bytes_(length_bytes), algorithm_(algorithm) {}

  std::uint64_t length_bytes() const override { return length_bytes_; }
  Task<std::size_t> read(MutableBytes into) override { return body_.read(into); }
  Result<std::string> trailing_checksum() override;
  std::string_view verified_sha256() const override { return body_.signed_sha256(); }

 private:
  RequestBody& body_;
  std::uint64_t length_bytes_;
  metadata::ChecksumAlgorithm algorithm_;
};

/// The declared length of a PUT or part. Errc::missing_content_length, entity_too_large.
Result<std::uint64_t> checked_length(const Request& request);

}  // namespace firn::gateway
