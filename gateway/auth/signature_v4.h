#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/credentials.h"
#include "auth/timestamp.h"
#include "s3/request.h"

namespace firn::gateway {

/// What a signature covers, as the client sent it. Views into the request's head.
struct RequestToSign {
  std::string_view method;
  std::string_view raw_path;
  std::string_view raw_query;
  const Query& query;
  const Fields& headers;
  std::string_view host_bucket = {};  ///< The bucket that the host names; empty in path style.
};

/// Which spelling of the path the client signed: S3 re-encodes the decoded key, some clients sign what they send.
enum class PathSpelling : std::uint8_t { reencoded, as_sent };

/// Appends Signature V4's canonical request. S3's rules: the path is encoded once and never normalised; X-Amz-Signature
/// is left out of the query. `signed_headers` is the client's list ("host;x-amz-date"); a header that is named but was
/// not sent counts as empty. False when the result would exceed kCanonicalBytesMax.
[[nodiscard]] bool append_canonical_request(std::string& out, const RequestToSign& request,
                                            std::string_view signed_headers, std::string_view payload_hash,
                                            PathSpelling spelling);

/// A head is at most 32 KiB and encoding at most triples it; more only comes from a list naming a header many times.
inline constexpr std::size_t kCanonicalBytesMax = 128 * 1024;

/// "20130524/us-east-1/s3/aws4_request" in its parts.
struct CredentialScope {
  std::string_view text;
  std::string_view day;
  std::string_view region;
  std::string_view service;
};
/// Nothing when the form is wrong or the last part is not "aws4_request".
std::optional<CredentialScope> parse_scope(std::string_view text);

/// Key of one secret for one scope: what signs requests and chunks on that day. 32 raw bytes.
using SigningKey = std::array<char, 32>;
SigningKey derive_signing_key(std::string_view secret_key, const CredentialScope& scope);

/// Lower-case hexadecimal HMAC of a string to sign.
std::string sign(const SigningKey& key, std::string_view string_to_sign);

/// The string to sign of a request: algorithm, time, scope, hash of its canonical form.
void append_string_to_sign(std::string& out, const SigningTime& time, std::string_view scope,
                           std::string_view canonical_request);

/// Signing keys in use, by credential, day and region: a key costs four HMACs, half the price of checking a signature.
///
/// Threads: one each (`for_this_thread`). Memory: kEntries keys, oldest out.
class SigningKeyCache {
 public:
  static SigningKeyCache& for_this_thread();
  const SigningKey* find(std::uint64_t credential_id, const CredentialScope& scope) const;
  /// Only for a scope whose signature was right: strangers can't push keys out.
  void remember(std::uint64_t credential_id, const CredentialScope& scope, const SigningKey& key);

 private:
  /// One credential uses one region and, around midnight, two days; IAM's users share the rest.
  static constexpr std::size_t kEntries = 64;
  struct Entry {
    std::uint64_t credential_id = 0;  // 0: empty.
    std::string scope;
    SigningKey key;
  };
  std::array<Entry, kEntries> entries_;
  std::size_t next_ = 0;
};

}  // namespace firn::gateway
