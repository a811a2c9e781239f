#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "auth/authenticator.h"
#include "auth/credentials.h"
#include "firn/base/metrics.h"
#include "firn/base/runtime.h"
#include "http/listener.h"
#include "http/server_context.h"
#include "signed_request.h"

namespace firn::gateway::test {

/// Stands at the moment of AWS's examples until it is moved.
class ManualClock final : public Clock {
 public:
  UnixMs now_unix_ms() const override { return kThen + moved_ms_.load(); }
  std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::time_point(std::chrono::hours(1) + std::chrono::milliseconds(moved_ms_.load()));
  }
  void advance(std::chrono::milliseconds by) { moved_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> moved_ms_{0};
};

class SettableHealth final : public Health {
 public:
  bool ready() const override { return ready_; }
  bool write_quorum() const override { return write_quorum_; }
  std::atomic<bool> ready_{true};
  std::atomic<bool> write_quorum_{true};
};

/// The session, listener, signatures and all over real loopback sockets, with these operations in the place of S3's:
///   PUT /b/k       Echo    answers what it read, trailers as headers, the signed hash as x-sha
///   PUT /b/k?ignore Ignore  answers 204 without reading
///   GET /b/N-R     Stream  N bytes of content in runs of R; HEAD says the same
///   GET /b/fail-N  Stream  fails after N bytes
///   GET /b/throw   Stream  throws
///   GET /b/inject  Stream  an empty answer with a header value holding a line break
class TestServer {
 public:
  explicit TestServer(Server::Options options = {}, TlsContext* tls = nullptr, AccessLog* access_log = nullptr);
  ~TestServer();

  std::uint16_t port() const { return listener_->port(); }
  ManualClock& clock() { return clock_; }
  SettableHealth& health() { return health_; }
  MetricRegistry& registry() { return registry_; }
  /// Whether requests are answered; true from the beginning.
  void serve(bool serving) { context_.serving = serving; }
  std::size_t connections() const { return context_.connections.load(); }
  /// Looks at the deadlines as the timer would, and returns when that is done.
  void sweep();
  /// Ends the server; a connection may take `grace` for the request it is at.
  void stop(std::chrono::milliseconds grace);

 private:
  Runtime runtime_{1, 1};
  ManualClock clock_;
  SettableHealth health_;
  MetricRegistry registry_;
  RootCredentialSource credentials_{std::string(kAccessKey), std::string(kSecretKey)};
  SignatureAuthenticator authenticator_{credentials_};
  RequestMetrics request_metrics_{registry_};
  ServerContext context_;
  std::unique_ptr<Listener> listener_;
};

/// A signed request's bytes: head alone, for a body of `body_bytes` whose hash is `payload` (or one of the other
/// forms).
std::string request_head(ClientRequest request, std::string_view payload = kEmptySha256,
                         std::optional<std::uint64_t> body_bytes = std::nullopt,
                         std::string_view host = "127.0.0.1:9000");
/// Head and body, the body's hash signed.
std::string request_with_body(std::string path, std::string_view body);
std::string get(std::string path);

}  // namespace firn::gateway::test
