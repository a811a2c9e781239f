#include "firn/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <cerrno>
#include <vector>

#include "firn/base/assert.h"

namespace firn {
namespace {

constexpr std::size_t kHmacBlockBytes = 64;  // Of SHA-1 and SHA-256 alike.
constexpr std::size_t kAlgorithms = 3;

/// Fetched once: OpenSSL 3 looks an algorithm up by name again in every init otherwise, which costs more than hashing a
/// short text.
const EVP_MD* fetched(HashAlgorithm algorithm) {
  static const std::array<EVP_MD*, kAlgorithms> kFetched = {EVP_MD_fetch(nullptr, "MD5", nullptr),
                                                            EVP_MD_fetch(nullptr, "SHA1", nullptr),
                                                            EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  const EVP_MD* found = kFetched[static_cast<std::size_t>(algorithm)];
  FIRN_ASSERT(found != nullptr);
  return found;
}

/// Contexts this thread has done with, by algorithm: a re-init of a used context allocates nothing.
class ContextPool {
 public:
  ContextPool() = default;
  ContextPool(const ContextPool&) = delete;
  ContextPool& operator=(const ContextPool&) = delete;
  ~ContextPool();

  EVP_MD_CTX* take(HashAlgorithm algorithm) {
    auto& free = free_[static_cast<std::size_t>(algorithm)];
    if (free.empty()) return nullptr;
    EVP_MD_CTX* context = free.back();
    free.pop_back();
    return context;
  }
  bool give(HashAlgorithm algorithm, EVP_MD_CTX* context) {
    auto& free = free_[static_cast<std::size_t>(algorithm)];
    if (free.size() == kFreeMax) return false;
    free.push_back(context);
    return true;
  }

 private:
  /// Bodies hashed at once on one thread, beyond which a new context (some 300 ns) does not matter.
  static constexpr std::size_t kFreeMax = 16;
  std::array<std::vector<EVP_MD_CTX*>, kAlgorithms> free_;
};

thread_local bool pool_ended = false;
thread_local ContextPool pool;

ContextPool::~ContextPool() {
  pool_ended = true;
  for (auto& free : free_) {
    for (EVP_MD_CTX* context : free) EVP_MD_CTX_free(context);
  }
}

/// A context in use, ready for its first byte.
class Context {
 public:
  explicit Context(HashAlgorithm algorithm) : algorithm_(algorithm) {
    if (!pool_ended) context_ = pool.take(algorithm);
    if (context_ == nullptr) context_ = EVP_MD_CTX_new();
    FIRN_ASSERT(context_ != nullptr);
    restart();
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    if (pool_ended || !pool.give(algorithm_, context_)) EVP_MD_CTX_free(context_);
  }

  void restart() { FIRN_ASSERT(EVP_DigestInit_ex2(context_, fetched(algorithm_), nullptr) == 1); }
  void update(const void* bytes, std::size_t count) { FIRN_ASSERT(EVP_DigestUpdate(context_, bytes, count) == 1); }
  void update(std::string_view text) { update(text.data(), text.size()); }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw;
    unsigned int length = 0;
    FIRN_ASSERT(EVP_DigestFinal_ex(context_, raw.data(), &length) == 1);
    return {reinterpret_cast<const char*>(raw.data()), length};
  }

 private:
  HashAlgorithm algorithm_;
  EVP_MD_CTX* context_ = nullptr;
};

std::string hash(HashAlgorithm algorithm, ByteView bytes) {
  Context context(algorithm);
  context.update(bytes.data(), bytes.size());
  return context.finish();
}

std::string hmac(HashAlgorithm algorithm, std::string_view key, std::string_view text) {
  // RFC 2104 over the pooled context: OpenSSL's own HMAC and EVP_MAC set up a provider object on every call.
  std::array<unsigned char, kHmacBlockBytes> inner{};
  std::string short_key;
  if (key.size() > inner.size()) {
    short_key = hash(algorithm, as_bytes(key));
    key = short_key;
  }
  for (std::size_t i = 0; i < key.size(); ++i) inner[i] = static_cast<unsigned char>(key[i]);
  std::array<unsigned char, kHmacBlockBytes> outer = inner;
  for (auto& byte : inner) byte ^= 0x36;
  for (auto& byte : outer) byte ^= 0x5C;

  Context context(algorithm);
  context.update(inner.data(), inner.size());
  context.update(text);
  const std::string inner_digest = context.finish();
  context.restart();
  context.update(outer.data(), outer.size());
  context.update(inner_digest);
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(outer.data(), outer.size());
  OPENSSL_cleanse(short_key.data(), short_key.size());
  return context.finish();
}

}  // namespace

struct Hasher::State {
  explicit State(HashAlgorithm algorithm) : context(algorithm) {}
  Context context;
  bool finished = false;
};

Hasher::Hasher(HashAlgorithm algorithm) : state_(std::make_unique<State>(algorithm)) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(ByteView bytes) {
  FIRN_ASSERT(!state_->finished);
  state_->context.update(bytes.data(), bytes.size());
}

std::string Hasher::finish() {
  FIRN_ASSERT(!state_->finished);
  state_->finished = true;
  return state_->context.finish();
}

std::string md5(ByteView bytes) { return hash(HashAlgorithm::md5, bytes); }
std::string sha256(ByteView bytes) { return hash(HashAlgorithm::sha256, bytes); }

std::string hmac_sha256(std::string_view key, std::string_view text) { return hmac(HashAlgorithm::sha256, key, text); }
std::string hmac_sha1(std::string_view key, std::string_view text) { return hmac(HashAlgorithm::sha1, key, text); }

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void fill_random(MutableBytes bytes) {
  while (!bytes.empty()) {
    const ssize_t filled = getrandom(bytes.data(), bytes.size(), 0);
    if (filled < 0 && errno == EINTR) continue;
    FIRN_ASSERT(filled > 0);  // Fails only for a bad address or a kernel without it: never go on with guessable keys.
    bytes = bytes.subspan(static_cast<std::size_t>(filled));
  }
}

}  // namespace firn
