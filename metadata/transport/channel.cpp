#include "transport/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <array>
#include <fstream>
#include <string_view>

namespace firn::metadata::transport {
namespace {

/// How failures travel. What is not here is an answer nobody can act on: the peer is not there for us.
struct Row {
  Errc code;
  grpc::StatusCode status;
};
constexpr auto kRows = std::to_array<Row>({
    {Errc::access_denied, grpc::StatusCode::PERMISSION_DENIED},
    {Errc::request_expired, grpc::StatusCode::UNAUTHENTICATED},
    {Errc::unsupported_version, grpc::StatusCode::FAILED_PRECONDITION},
    {Errc::invalid_argument, grpc::StatusCode::INVALID_ARGUMENT},
    {Errc::not_found, grpc::StatusCode::NOT_FOUND},
    {Errc::drive_unreachable, grpc::StatusCode::UNAVAILABLE},
});

/// What gRPC says of a connection that never came about, and what it means to people.
struct Hint {
  std::string_view said;
  std::string_view means;
};
constexpr auto kHints = std::to_array<Hint>({
    {"certificate verify failed", "shows a certificate that is not trusted here"},
    {"wrong version number", "does not speak TLS, and this one does"},
    {"Socket closed",
     "ends the connection at once: it speaks TLS and this one does not, it does not trust this one's certificate, "
     "or it is stopping"},
});

Result<> check_readable(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (file.peek() == std::ifstream::traits_type::eof()) {
    return error(Errc::io_error, "TLS between nodes: " + path + " can't be read");
  }
  return {};
}

using Provider = std::shared_ptr<grpc::experimental::CertificateProviderInterface>;

/// What serves connections that are made later, when the files change.
Result<Provider> follow_files(const PeerTls& tls) {
  constexpr unsigned kLookEverySeconds = 1;
  // gRPC itself waits for files that are not there.
  for (const auto& path : {tls.certificate_path, tls.key_path, tls.authority_path}) {
    if (auto readable = check_readable(path); !readable) return std::move(readable).error();
  }
  return Provider(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      tls.key_path, tls.certificate_path, tls.authority_path, kLookEverySeconds));
}

/// Any certificate of the authority will do, whatever host it names: which node it is, the cluster key's proof says.
std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const Provider& provider) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  options.set_check_call_host(false);
  options.set_verify_server_certs(true);
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(const Provider& provider) {
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace

Result<Credentials> load_credentials(const ClusterIdentity& identity) {
  if (!identity.tls) return Credentials{grpc::InsecureChannelCredentials(), grpc::InsecureServerCredentials()};
  const auto provider = follow_files(*identity.tls);
  if (!provider) return provider.error();
  return Credentials{channel_credentials(*provider), server_credentials(*provider)};
}

std::shared_ptr<grpc::Channel> make_channel(const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                            const std::string& host, std::uint16_t port) {
  constexpr int kRetryMinMs = 100;
  constexpr int kRetryMaxMs = 1'000;
  constexpr int kConnectMs = 2'000;
  constexpr int kPingEveryMs = 2'000;
  constexpr int kPingAnswerMs = 3'000;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetMaxSendMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kRetryMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kRetryMaxMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kRetryMaxMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kPingEveryMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingAnswerMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A connection of our own, which begins anew when the peer's address changes, and never by way of a proxy.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const std::string named = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return grpc::CreateCustomChannel("dns:///" + named + ":" + std::to_string(port), credentials, arguments);
}

grpc::Status to_status(const Error& failure) {
  for (const Row& row : kRows) {
    if (row.code == failure.code) return {row.status, failure.detail};
  }
  return {grpc::StatusCode::UNAVAILABLE, failure.detail};
}

Error to_error(const grpc::Status& status, NodeId peer) {
  Error failure = error(Errc::drive_unreachable, "node " + std::to_string(peer.value) + ": " + status.error_message());
  for (const Row& row : kRows) {
    if (row.status == status.error_code()) failure.code = row.code;
  }
  for (const Hint& hint : kHints) {
    if (failure.message.empty() && status.error_message().find(hint.said) != std::string::npos) {
      failure.message = hint.means;
    }
  }
  return failure;
}

}  // namespace firn::metadata::transport
