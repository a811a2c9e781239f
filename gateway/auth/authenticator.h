#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/credentials.h"
#include "auth/signature_v4.h"
#include "firn/base/result.h"

namespace firn::gateway {

/// How the body is sent and what vouches for it: the value of x-amz-content-sha256.
enum class PayloadForm : std::uint8_t {
  unsigned_payload,            ///< UNSIGNED-PAYLOAD
  sha256,                      ///< The hash of the whole body, in hexadecimal.
  streaming_signed,            ///< STREAMING-AWS4-HMAC-SHA256-PAYLOAD: aws-chunked, every chunk signed.
  streaming_signed_trailer,    ///< STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER: and a signed trailer.
  streaming_unsigned_trailer,  ///< STREAMING-UNSIGNED-PAYLOAD-TRAILER: aws-chunked, a trailer, no signatures.
};
inline bool is_aws_chunked(PayloadForm form) { return form >= PayloadForm::streaming_signed; }

/// What chunk signatures are computed from: each covers the one before it, the first the request's.
struct ChunkSeed {
  SigningKey key;
  SigningTime time;
  std::string scope;
  std::string signature;  ///< Lower-case hexadecimal.
};

/// Where the signature is, and of which version.
enum class Mechanism : std::uint8_t {
  header,               ///< Authorization: AWS4-HMAC-SHA256 …
  presigned,            ///< X-Amz-Signature in the query.
  header_version_2,     ///< Authorization: AWS key:signature.
  presigned_version_2,  ///< Signature in the query: what boto3 and awscli still make unless told otherwise.
};
inline bool is_presigned(Mechanism mechanism) {
  return mechanism == Mechanism::presigned || mechanism == Mechanism::presigned_version_2;
}
inline bool is_version_2(Mechanism mechanism) { return mechanism >= Mechanism::header_version_2; }

/// A request whose signature was right.
struct Authenticated {
  CredentialPtr credential;
  Mechanism mechanism = Mechanism::header;
  PayloadForm payload = PayloadForm::unsigned_payload;
  std::string payload_sha256;           ///< Raw, for PayloadForm::sha256.
  std::optional<ChunkSeed> chunk_seed;  ///< For the two signed streaming forms.
};

/// Decides who sent a request.
///
/// Threads: any io thread, at once. Pure: time is given, nothing is read but the credentials.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Errc::access_denied for a request without a signature. Failures carry the message S3 gives for them.
  virtual Result<Authenticated> authenticate(const RequestToSign& request, UnixMs now) const = 0;
};

/// AWS Signature V4 for S3, in the Authorization header or the query (presigned); any region, as long as it is the same
/// throughout. Signature V2 likewise.
class SignatureAuthenticator final : public Authenticator {
 public:
  explicit SignatureAuthenticator(const CredentialSource& credentials);
  Result<Authenticated> authenticate(const RequestToSign& request, UnixMs now) const override;

 private:
  Result<Authenticated> authenticate_version_2(const RequestToSign& request, Mechanism mechanism, UnixMs now) const;
  Result<Authenticated> authenticate_version_4(const RequestToSign& request, Mechanism mechanism, UnixMs now) const;

  const CredentialSource& credentials_;
  CredentialPtr nobody_;  // Stands in for unknown keys, so that they cost what a wrong signature costs.
};

}  // namespace firn::gateway
