#include "auth/authenticator.h"

#include <utility>

#include "auth/claim.h"
#include "auth/signature_v2.h"
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

/// The same for Signature V2 and one path.
bool version_2_signature_is(const RequestToSign& request, const Version2Claim& claim, std::string_view secret_key,
                            std::string_view path) {
  thread_local std::string to_sign;
  RequestToSign spelled = request;
  spelled.raw_path = path;
  for (const PathSpelling spelling : {PathSpelling::as_sent, PathSpelling::reencoded}) {
    to_sign.clear();
    append_version_2_string_to_sign(to_sign, spelled, claim, spelling);
    if (equal_in_constant_time(to_base64(hmac_sha1(secret_key, to_sign)), claim.signature)) return true;
  }
  return false;
}

/// The same for a bucket's path in both its forms: "/bucket" is "/bucket/", and botocore sends one and signs the other.
bool version_2_signature_is(const RequestToSign& request, const Version2Claim& claim, std::string_view secret_key) {
  if (version_2_signature_is(request, claim, secret_key, request.raw_path)) return true;
  const bool bucket_alone = request.host_bucket.empty() && request.raw_path.size() > 1 &&
                            request.raw_path.find('/', 1) == std::string_view::npos;
  return bucket_alone && version_2_signature_is(request, claim, secret_key, std::string(request.raw_path) + '/');
}

/// What a signature comes to that was checked against the key found, or against nobody's when none was.
Result<> judge(const CredentialPtr& found, bool right) {
  if (!found) {
    return client_error(Errc::invalid_access_key_id,
                        "The AWS Access Key Id you provided does not exist in our records.");
  }
  if (right) return {};
  return client_error(Errc::signature_does_not_match,
                      "The request signature we calculated does not match the signature you provided. Check your key "
                      "and signing method.");
}

/// The answer's parts that do not depend on the version of the signature.
Result<Authenticated> accepted(CredentialPtr credential, Mechanism mechanism, const PayloadClaim& payload) {
  Authenticated result;
  result.credential = std::move(credential);
  result.mechanism = mechanism;
  result.payload = payload.form;
  if (payload.form == PayloadForm::sha256 && !from_hex(payload.text, result.payload_sha256)) {
    return error(Errc::internal, "a checked hash is no hash");
  }
  return result;
}

constexpr std::string_view kNobodysSecret = "the secret of a key that does not exist";

}  // namespace

SignatureAuthenticator::SignatureAuthenticator(const CredentialSource& credentials)
    : credentials_(credentials), nobody_(std::make_shared<const Credential>("", std::string(kNobodysSecret), "", "")) {}

Result<Authenticated> SignatureAuthenticator::authenticate(const RequestToSign& request, UnixMs now) const {
  const auto mechanism = read_mechanism(request);
  if (!mechanism) return mechanism.error();
  return is_version_2(*mechanism) ? authenticate_version_2(request, *mechanism, now)
                                  : authenticate_version_4(request, *mechanism, now);
}

Result<Authenticated> SignatureAuthenticator::authenticate_version_2(const RequestToSign& request, Mechanism mechanism,
                                                                     UnixMs now) const {
  const auto claim = read_version_2_claim(request, mechanism, now);
  if (!claim) return claim.error();
  if (auto token = check_token(request, mechanism); !token) return std::move(token).error();
  const auto payload = read_payload_claim(request, mechanism);
  if (!payload) return payload.error();
  const CredentialPtr found = credentials_.find(claim->access_key);
  const bool right = version_2_signature_is(request, *claim, (found ? found : nobody_)->secret_key);
  if (auto fine = judge(found, right); !fine) return std::move(fine).error();
  return accepted(found, mechanism, *payload);
}

Result<Authenticated> SignatureAuthenticator::authenticate_version_4(const RequestToSign& request, Mechanism mechanism,
                                                                     UnixMs now) const {
  const auto claim = read_claim(request, mechanism, now);
  if (!claim) return claim.error();
  const auto payload = read_payload_claim(request, mechanism);
  if (!payload) return payload.error();

  const CredentialPtr found = credentials_.find(claim->access_key);
  const CredentialPtr& credential = found ? found : nobody_;
  SigningKeyCache& cache = SigningKeyCache::for_this_thread();
  const SigningKey* cached = cache.find(credential->id, claim->scope);
  const SigningKey key = cached ? *cached : derive_signing_key(credential->secret_key, claim->scope);
  const bool right = signature_is(request, *claim, payload->text, key);
  if (auto fine = judge(found, right); !fine) return std::move(fine).error();
  if (!cached) {
    cache.remember(credential->id, claim->scope, key);
    cache.remember(nobody_->id, claim->scope, derive_signing_key(nobody_->secret_key, claim->scope));
  }
  auto result = accepted(found, mechanism, *payload);
  if (result &&
      (payload->form == PayloadForm::streaming_signed || payload->form == PayloadForm::streaming_signed_trailer)) {
    result->chunk_seed = ChunkSeed{key, claim->time, std::string(claim->scope.text), std::string(claim->signature)};
  }
  return result;
}

}  // namespace firn::gateway
