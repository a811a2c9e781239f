#include "auth/authenticator.h"

#include <utility>

#include "auth/claim.h"
#include "firn/base/digest.h"

namespace firn::gateway {
namespace {

/// Whether `key` gives the claimed signature, for either spelling of the path.
bool signature_is(const RequestToSign& request, const SignatureClaim& claim, std::string_view payload_text,
                  const SigningKey& key) {
  thread_local std::string canonical;
  thread_local std::string to_sign;
  for (const PathSpelling spelling : {PathSpelling::reencoded, PathSpelling::as_sent}) {
    canonical.clear();
    if (!append_canonical_request(canonical, request, claim.signed_headers, payload_text, spelling)) return false;
    to_sign.clear();
    append_string_to_sign(to_sign, claim.time, claim.scope.text, canonical);
    if (equal_in_constant_time(sign(key, to_sign), claim.signature)) return true;
  }
  return false;
}

constexpr std::string_view kNobodysSecret = "the secret of a key that does not exist";

}  // namespace

SignatureV4Authenticator::SignatureV4Authenticator(const CredentialSource& credentials)
    : credentials_(credentials), nobody_(std::make_shared<const Credential>("", std::string(kNobodysSecret), "", "")) {}

Result<Authenticated> SignatureV4Authenticator::authenticate(const RequestToSign& request, UnixMs now) const {
  const auto claim = read_claim(request, now);
  if (!claim) return claim.error();
  const auto payload = read_payload_claim(request, claim->presigned);
  if (!payload) return payload.error();

  const CredentialPtr found = credentials_.find(claim->access_key);
  const CredentialPtr& credential = found ? found : nobody_;
  SigningKeyCache& cache = SigningKeyCache::for_this_thread();
  const SigningKey* cached = cache.find(credential->id, claim->scope);
  const SigningKey key = cached ? *cached : derive_signing_key(credential->secret_key, claim->scope);
  const bool right = signature_is(request, *claim, payload->text, key);
  if (!found) {
    return client_error(Errc::invalid_access_key_id,
                        "The AWS Access Key Id you provided does not exist in our records.");
  }
  if (!right) {
    return client_error(Errc::signature_does_not_match,
                        "The request signature we calculated does not match the signature you provided. Check your key "
                        "and signing method.");
  }
  if (!cached) {
    cache.remember(credential->id, claim->scope, key);
    cache.remember(nobody_->id, claim->scope, derive_signing_key(nobody_->secret_key, claim->scope));
  }

  Authenticated result;
  result.credential = found;
  result.payload = payload->form;
  if (payload->form == PayloadForm::sha256 && !from_hex(payload->text, result.payload_sha256)) {
    return error(Errc::internal, "a checked hash is no hash");
  }
  if (payload->form == PayloadForm::streaming_signed || payload->form == PayloadForm::streaming_signed_trailer) {
    result.chunk_seed = ChunkSeed{key, claim->time, std::string(claim->scope.text), std::string(claim->signature)};
  }
  return result;
}

}  // namespace firn::gateway
