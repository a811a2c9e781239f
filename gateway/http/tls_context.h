#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "firn/base/clock.h"
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
  /// What tells one version of the two files from another.
  struct FilesVersion {
    std::int64_t certificate_stamp = 0, key_stamp = 0;
    std::uint64_t certificate_inode = 0, key_inode = 0;
    bool operator==(const FilesVersion&) const = default;
  };

  TlsContext(std::string certificate_path, std::string key_path, const Clock& clock);
  Result<ContextPtr> read_files() const;
  FilesVersion files_version() const;
  void follow_files();

  const std::string certificate_path_;
  const std::string key_path_;
  const Clock& clock_;
  std::mutex mutex_;  // Held for a pointer copy, or once per change while the files are read.
  ContextPtr context_;
  FilesVersion version_;
  FilesVersion refused_;  // Seen and of no use: reported once, not at every connection.
  std::chrono::steady_clock::time_point checked_;
};

/// Over an established TCP connection; takes part of the ownership of `context` with it.
std::unique_ptr<Transport> make_tls_transport(Transport::Socket socket, SSL_CTX* context);

}  // namespace firn::gateway
