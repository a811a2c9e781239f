#pragma once

#include <string>
#include <utility>
#include <vector>

#include "firn/base/clock.h"
#include "firn/gateway/server.h"

namespace firn::gateway {

/// A request without a body that Firn itself sends to a gateway, in plain text.
struct OutgoingRequest {
  std::string method;                                           ///< "GET", "POST" …
  std::string host;                                             ///< As the Host header says it: "127.0.0.1:9000".
  std::string path;                                             ///< Unreserved characters and '/' only.
  std::vector<std::pair<std::string, std::string>> parameters;  ///< Not encoded.
};

/// The same as it goes on the wire.
struct SignedRequest {
  std::string target;                                        ///< Path and query, encoded.
  std::vector<std::pair<std::string, std::string>> headers;  ///< Host, date, payload hash and Authorization.
};

/// Signs with Signature V4 in the Authorization header, by the code that checks signatures. Pure.
SignedRequest sign_request(const OutgoingRequest& request, const RootCredential& credential, UnixMs now);

}  // namespace firn::gateway
