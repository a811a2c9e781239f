#include "http/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>
#include <string_view>
#include <utility>

#include "firn/base/log.h"

namespace firn::gateway {
namespace {

constexpr std::chrono::seconds kLookInterval{1};
/// Length-prefixed, as ALPN spells it.
constexpr std::string_view kHttp11 = "\x08http/1.1";
/// TLS 1.2 with forward secrecy and authenticated encryption only; TLS 1.3's own are fine as they are.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

std::string openssl_reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

// The parameters are OpenSSL's.
// NOLINTNEXTLINE(readability-function-size)
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered,
                    unsigned int offered_bytes, void*) {
  unsigned char* found = nullptr;
  const int outcome =
      SSL_select_next_proto(&found, chosen_bytes, reinterpret_cast<const unsigned char*>(kHttp11.data()),
                            static_cast<unsigned>(kHttp11.size()), offered, offered_bytes);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

bool valid_now(const SSL_CTX* context) {
  const X509* certificate = SSL_CTX_get0_certificate(context);
  return certificate != nullptr && X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
         X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

}  // namespace

TlsContext::TlsContext(std::string certificate_path, std::string key_path, const Clock& clock)
    : certificate_path_(std::move(certificate_path)), key_path_(std::move(key_path)), clock_(clock) {}

Result<std::unique_ptr<TlsContext>> TlsContext::load(std::string certificate_path, std::string key_path,
                                                     const Clock& clock) {
  std::unique_ptr<TlsContext> made(new TlsContext(std::move(certificate_path), std::move(key_path), clock));
  made->version_ = made->files_version();
  made->checked_ = clock.steady_now();
  auto context = made->read_files();
  if (!context) return std::move(context).error();
  made->context_ = std::move(*context);
  return made;
}

Result<TlsContext::ContextPtr> TlsContext::read_files() const {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers) != 1) {
    return error(Errc::internal, "TLS: " + openssl_reason());
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A write may be repeated from the same bytes elsewhere, and buffers of idle connections are given back.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context.get(), 1);  // One system call for a record's header and content.
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_path_.c_str()) != 1) {
    return error(Errc::io_error, "TLS certificate " + certificate_path_ + ": " + openssl_reason());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_path_.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return error(Errc::io_error, "TLS key " + key_path_ + ": " + openssl_reason());
  }
  if (!valid_now(context.get())) {
    return error(Errc::io_error, "TLS certificate " + certificate_path_ + " has expired or is not valid yet");
  }
  return context;
}

void TlsContext::follow_files() {
  const auto now = clock_.steady_now();
  if (now - checked_ < kLookInterval) return;
  checked_ = now;
  const auto version = files_version();
  if (version == version_ || version == refused_) return;
  auto context = read_files();
  // Certificate and key are two files: between the two renames they don't fit. The next look finds both.
  if (!context) {
    refused_ = version;
    log::warn("keeping the old certificate: {}", context.error().detail);
    return;
  }
  version_ = version;
  context_ = std::move(*context);
  log::info("serving the new TLS certificate of {}", certificate_path_);
}

std::unique_ptr<Transport> TlsContext::make_transport(Transport::Socket socket) {
  ContextPtr context;
  {
    const std::lock_guard lock(mutex_);
    follow_files();
    SSL_CTX_up_ref(context_.get());
    context.reset(context_.get());
  }
  return make_tls_transport(std::move(socket), context.get());
}

}  // namespace firn::gateway
