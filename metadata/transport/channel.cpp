#include "transport/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <array>
#include <fstream>
#include <iterator>
#include <vector>

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

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || content.empty()) return error(Errc::io_error, "TLS between nodes: " + path + " can't be read");
  return content;
}

struct Files {
  std::string certificate;
  std::string key;
  std::string authority;
};

Result<Files> read_files(const PeerTls& tls) {
  auto certificate = read_file(tls.certificate_path);
  if (!certificate) return std::move(certificate).error();
  auto key = read_file(tls.key_path);
  if (!key) return std::move(key).error();
  auto authority = read_file(tls.authority_path);
  if (!authority) return std::move(authority).error();
  return Files{.certificate = std::move(*certificate), .key = std::move(*key), .authority = std::move(*authority)};
}

/// Any certificate of the authority will do, whatever host it names: which node it is, the cluster key's proof says.
std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const Files& files) {
  const std::vector<grpc::experimental::IdentityKeyCertPair> pairs{
      {.private_key = files.key, .certificate_chain = files.certificate}};
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(files.authority, pairs));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  options.set_check_call_host(false);
  options.set_verify_server_certs(true);
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(const Files& files) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = files.authority;
  options.pem_key_cert_pairs.push_back({.private_key = files.key, .cert_chain = files.certificate});
  return grpc::SslServerCredentials(options);
}

}  // namespace

Result<Credentials> load_credentials(const ClusterIdentity& identity) {
  if (!identity.tls) return Credentials{grpc::InsecureChannelCredentials(), grpc::InsecureServerCredentials()};
  const auto files = read_files(*identity.tls);
  if (!files) return files.error();
  return Credentials{channel_credentials(*files), server_credentials(*files)};
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
  const std::string detail = "node " + std::to_string(peer.value) + ": " + status.error_message();
  for (const Row& row : kRows) {
    if (row.status == status.error_code()) return error(row.code, detail);
  }
  return error(Errc::drive_unreachable, detail);
}

}  // namespace firn::metadata::transport
