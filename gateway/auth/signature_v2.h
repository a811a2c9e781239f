#pragma once

#include <string>
#include <string_view>

#include "auth/authenticator.h"
#include "auth/signature_v4.h"
#include "firn/base/result.h"

namespace firn::gateway {

/// What a request says of its Signature V2, in the header ("Authorization: AWS key:signature") or in the query
/// ("?AWSAccessKeyId=…&Expires=…&Signature=…"); nothing of it is believed yet. Views into the request.
struct Version2Claim {
  Mechanism mechanism = Mechanism::header_version_2;
  std::string_view access_key;
  std::string_view moment;     ///< Date as sent, empty beside x-amz-date; when presigned, the expiry.
  std::string_view signature;  ///< Base64.
};

/// Finds the signature and checks that the request is not too late and holds nothing that version 2 leaves unsigned or
/// ambiguous: a sub-resource younger than it, a line break in what becomes a line of its own, a parameter that hides
/// another. Not whether the signature is right.
Result<Version2Claim> read_version_2_claim(const RequestToSign& request, Mechanism mechanism, UnixMs now);

/// Appends version 2's string to sign: method, Content-MD5, Content-Type, date or expiry, x-amz-* headers (when
/// presigned, those in the query too) and the path with its sub-resources, bucket first. Parameters such as "prefix"
/// are not signed by version 2.
void append_version_2_string_to_sign(std::string& out, const RequestToSign& request, const Version2Claim& claim,
                                     PathSpelling spelling);

}  // namespace firn::gateway
