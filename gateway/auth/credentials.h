#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "s3/request.h"

namespace firn::gateway {

/// An access key, its secret and whom it stands for. Immutable: a changed secret is a new Credential with a new id.
struct Credential {
  Credential(std::string access_key, std::string secret_key, std::string canonical_id, std::string display_name);
  ~Credential();  ///< Wipes the secret.
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;

  const std::uint64_t id;  ///< Unique in this process: what signing keys are cached under, so no cache holds secrets.
  std::string secret_key;
  Identity identity;
};

/// Shared because requests under way keep theirs while the source replaces it.
using CredentialPtr = std::shared_ptr<const Credential>;

/// Where access keys are looked up. IAM will answer here too, from memory.
///
/// Threads: from any io thread at once; never blocks on anything but a short lock.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// Null when there is no such key.
  virtual CredentialPtr find(std::string_view access_key) const = 0;
};

/// The one root credential.
class RootCredentialSource final : public CredentialSource {
 public:
  RootCredentialSource(std::string access_key, std::string secret_key);
  CredentialPtr find(std::string_view access_key) const override;
  /// Requests that arrive from now on need the new pair; callable while serving.
  void replace(std::string access_key, std::string secret_key);

 private:
  mutable std::mutex mutex_;  // Held for a pointer copy: shorter than an atomic shared_ptr's own spin lock.
  CredentialPtr root_;
};

}  // namespace firn::gateway
