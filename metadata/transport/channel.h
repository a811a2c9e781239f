#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "firn/base/cluster_identity.h"
#include "firn/base/result.h"

namespace firn::metadata::transport {

inline constexpr const char* kCallEntry = "firn-call-bin";    ///< CallHeader, with each call.
inline constexpr const char* kNonceEntry = "firn-nonce-bin";  ///< The server's nonce, with a call that had another.
inline constexpr const char* kProofEntry = "firn-proof-bin";  ///< The server's proof, before a stream's first message.

/// The largest message, and what gRPC puts around it.
inline constexpr int kMessageBytesMax = 16 << 20;

/// Both sides' credentials: those of mutual TLS, or none.
struct Credentials {
  std::shared_ptr<grpc::ChannelCredentials> channel;
  std::shared_ptr<grpc::ServerCredentials> server;
};
/// Errc::io_error for TLS files that can't be read.
Result<Credentials> load_credentials(const ClusterIdentity& identity);

/// Connects when first used, and again by itself; looks the name up again each time.
std::shared_ptr<grpc::Channel> make_channel(const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                            const std::string& host, std::uint16_t port);

grpc::Status to_status(const Error& failure);
/// `peer` is named in the reason. Has a message for people where the two don't fit each other's TLS.
Error to_error(const grpc::Status& status, NodeId peer);

}  // namespace firn::metadata::transport
