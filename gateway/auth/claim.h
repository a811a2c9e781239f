#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "auth/authenticator.h"
#include "firn/base/result.h"

namespace firn::gateway {

/// What a request says about its own signature; nothing of it is believed yet. Views into the request.
struct SignatureClaim {
  std::string_view access_key;
  CredentialScope scope;
  std::string_view signed_headers;
  std::string_view signature;
  SigningTime time;
  std::chrono::seconds expires{0};  ///< Presigned only.
};

/// How far a client's clock may be off, in either direction (S3's figure).
inline constexpr std::chrono::minutes kClockSkewMax{15};
/// The longest a presigned request may be valid (S3's figure).
inline constexpr std::chrono::seconds kPresignedMax = std::chrono::days{7};

/// How the request is signed. Errc::access_denied when it is not, invalid_argument when it is in two ways.
Result<Mechanism> read_mechanism(const RequestToSign& request);

/// Reads a Signature V4 and checks its form, its age and what it covers: the host header and every x-amz-* header sent.
/// Not whether it is right.
Result<SignatureClaim> read_claim(const RequestToSign& request, Mechanism mechanism, UnixMs now);

/// Errc::request_time_too_skewed for a request signed too long ago, or in the future.
Result<> check_skew(const SigningTime& time, UnixMs now);

/// Session credentials come with IAM; until then a token names nobody. An empty one counts as absent.
Result<> check_token(const RequestToSign& request, Mechanism mechanism);

/// The payload's form and, in `text`, how the canonical request spells it.
struct PayloadClaim {
  PayloadForm form = PayloadForm::unsigned_payload;
  std::string_view text;
};
Result<PayloadClaim> read_payload_claim(const RequestToSign& request, Mechanism mechanism);

}  // namespace firn::gateway
