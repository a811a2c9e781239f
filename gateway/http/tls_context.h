#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "firn/base/clock.h"
#include "firn/base/file_versions.h"
#include "firn/base/result.h"
#include "http/transport.h"

namespace firn::gateway {

/// The server's certificate and TLS settings: version 1.2 or newer, HTTP/1.1 by ALPN. Follows its files: a new
/// certificate serves the connections that come after it, older ones go on.
///
/// Threads: any io thread. A look at the files costs two stat calls, at most once a second; reading them happens on the
/// thread that noticed.
class TlsContext {
 public:
  /// Fails for files that can't be read, a key that does not fit, and a certificate that is not valid now.
  static Result<std::unique_ptr<TlsContext>> load(std::string certificate_path, std::string key_path,
                                                  const Clock& clock);

  /// Null only out of memory.
  std::unique_ptr<Transport> make_transport(Transport::Socket socket);

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using ContextPtr = std::unique_ptr<SSL_CTX, Free>;
  TlsContext(std::string certificate_path, std::string key_path, const Clock& clock);
  Result<ContextPtr> read_files() const;
  std::vector<FileVersion> files_version() const { return file_versions({certificate_path_, key_path_}); }
  void follow_files();

  const std::string certificate_path_;
  const std::string key_path_;
  const Clock& clock_;
  std::mutex mutex_;  // Held for a pointer copy, or once per change while the files are read.
  ContextPtr context_;
  std::vector<FileVersion> version_;
  std::vector<FileVersion> refused_;  // Seen and of no use: reported once, not at every connection.
  std::chrono::steady_clock::time_point checked_;
};

/// Over an established TCP connection; takes part of the ownership of `context` with it.
std::unique_ptr<Transport> make_tls_transport(Transport::Socket socket, SSL_CTX* context);

}  // namespace firn::gateway
