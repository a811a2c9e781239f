#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "auth/authenticator.h"
#include "firn/base/result.h"

namespace firn::gateway {

/// What a request says about its own signature; nothing of it is believed yet. Views into the request.
struct SignatureClaim {
  bool presigned = false;
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

/// Finds the request's signature and checks its form, its age and what it covers: the host header and every x-amz-*
/// header sent. Not whether it is right.
Result<SignatureClaim> read_claim(const RequestToSign& request, UnixMs now);

/// The payload's form and, in `text`, how the canonical request spells it.
struct PayloadClaim {
  PayloadForm form = PayloadForm::unsigned_payload;
  std::string_view text;
};
Result<PayloadClaim> read_payload_claim(const RequestToSign& request, bool presigned);

}  // namespace firn::gateway
