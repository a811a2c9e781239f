#pragma once

#include <grpcpp/client_context.h>

#include <string>

#include "firn/base/digest.h"
#include "transport/call_proof.h"
#include "transport/channel.h"

namespace firn::metadata::transport {

/// Whether the server that answers a stream has the cluster key. Its initial metadata has come.
inline bool is_proven(const grpc::ClientContext& context, const std::string& key, const CallHeader& call) {
  const auto& entries = context.GetServerInitialMetadata();
  const auto proof = entries.find(kProofEntry);
  if (proof == entries.end()) return false;
  return equal_in_constant_time({proof->second.data(), proof->second.size()}, answer_proof(key, call, {}));
}

}  // namespace firn::metadata::transport
