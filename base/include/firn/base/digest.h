#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "firn/base/buffer.h"

namespace firn {

/// Hash functions S3 asks for.
enum class HashAlgorithm : std::uint8_t { md5, sha1, sha256 };

/// Running MD5, SHA-1 or SHA-256 (OpenSSL). Not thread-safe.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(ByteView bytes);
  /// The raw digest: 16, 20 or 32 bytes. Once.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string md5(ByteView bytes);                                       ///< 16 raw bytes.
std::string sha256(ByteView bytes);                                    ///< 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);  ///< 32 raw bytes.
std::string hmac_sha1(std::string_view key, std::string_view text);    ///< 20 raw bytes.

std::string to_hex(std::string_view raw);                ///< Lower case.
bool from_hex(std::string_view text, std::string& raw);  ///< Even count of digits of either case.
std::string to_base64(std::string_view raw);
bool from_base64(std::string_view text, std::string& raw);  ///< Strict: padding needed, no white space.

/// Compares in time that depends on the lengths alone.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Cryptographic random bytes from the kernel: keys, nonces, ids.
void fill_random(MutableBytes bytes);

}  // namespace firn
