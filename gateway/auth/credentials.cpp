#include "auth/credentials.h"

#include <openssl/crypto.h>

#include <atomic>
#include <utility>

#include "firn/base/digest.h"

namespace firn::gateway {
namespace {

std::uint64_t next_credential_id() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

/// The owner id that S3 shows: 64 hexadecimal digits. It stays the same when the root's keys change, since buckets
/// belong to the account, not to a key.
std::string root_canonical_id() { return to_hex(sha256(as_bytes("firn root account"))); }

CredentialPtr make_root(std::string access_key, std::string secret_key) {
  return std::make_shared<const Credential>(std::move(access_key), std::move(secret_key), root_canonical_id(), "root");
}

}  // namespace

Credential::Credential(std::string access, std::string secret, std::string canonical_id, std::string display_name)
    : id(next_credential_id()),
      secret_key(std::move(secret)),
      identity{std::move(access), std::move(canonical_id), std::move(display_name)} {}

Credential::~Credential() { OPENSSL_cleanse(secret_key.data(), secret_key.size()); }

RootCredentialSource::RootCredentialSource(std::string access_key, std::string secret_key)
    : root_(make_root(std::move(access_key), std::move(secret_key))) {}

CredentialPtr RootCredentialSource::find(std::string_view access_key) const {
  const std::lock_guard lock(mutex_);
  return root_->identity.access_key == access_key ? root_ : nullptr;
}

void RootCredentialSource::replace(std::string access_key, std::string secret_key) {
  CredentialPtr replacement = make_root(std::move(access_key), std::move(secret_key));
  const std::lock_guard lock(mutex_);
  root_.swap(replacement);
}

}  // namespace firn::gateway
