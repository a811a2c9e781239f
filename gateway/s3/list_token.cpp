#include "s3/list_token.h"

#include <algorithm>
#include <cstring>

#include "firn/base/checksum.h"
#include "firn/base/digest.h"

namespace firn::gateway {

namespace {

// Version, checksum of the rest, last name. Version 1; a reader refuses others.
constexpr char kVersion = 1;
constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);
constexpr std::size_t kHeadBytes = 1 + kChecksumBytes;
/// A key of 1,024 bytes and the head, in base64: anything longer was not made here.
constexpr std::size_t kTokenBytesMax = 2048;
/// Keeps a key's plain XXH3 from being a token's checksum.
constexpr std::uint64_t kSeed = 0x6C697374746F6BULL;

}  // namespace

std::string encode_list_token(std::string_view last_name) {
  std::string raw(kHeadBytes, kVersion);
  const std::uint64_t checksum = xxh3(as_bytes(last_name), kSeed);
  std::memcpy(raw.data() + 1, &checksum, kChecksumBytes);
  raw += last_name;
  std::string token = to_base64(raw);
  std::replace(token.begin(), token.end(), '+', '-');
  std::replace(token.begin(), token.end(), '/', '_');
  return token;
}

Result<std::string> decode_list_token(std::string_view token) {
  const auto refused = [] {
    return client_error(Errc::invalid_argument, "The continuation token provided is incorrect");
  };
  if (token.size() > kTokenBytesMax) return refused();
  std::string text(token);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  std::string raw;
  if (!from_base64(text, raw) || raw.size() < kHeadBytes || raw.front() != kVersion) return refused();
  std::string name = raw.substr(kHeadBytes);
  // Only the one spelling made here: compares the checksum, and base64's spare bits too.
  if (encode_list_token(name) != token) return refused();
  return name;
}

}  // namespace firn::gateway
