#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "auth/authenticator.h"
#include "firn/gateway/admin.h"
#include "firn/gateway/server.h"
#include "http/access_log.h"
#include "http/request_metrics.h"
#include "s3/operation.h"

namespace firn::gateway {

/// What the session needs of S3. Two functions, so that tests can serve operations of their own.
struct S3Protocol {
  const Operation& (*route)(Verb, Scope, const Query&, const Fields&);
  Reply (*error_reply)(const Error&, const Request&);
};

/// What all threads and sessions of one server share. Outlives them. Constant but for the counter, and for `store` and
/// `admin` until `serving` is set.
struct ServerContext {
  Server::Options options;
  S3Protocol protocol;
  const Authenticator& authenticator;
  const Clock& clock;
  Health& health;
  objects::Store* store = nullptr;
  RequestMetrics& metrics;
  AdminHandler* admin = nullptr;    ///< Null when nobody administrates.
  AccessLog* access_log = nullptr;  ///< Null when off.
  std::string host_id;              ///< x-amz-id-2: the same for every answer of this process.
  std::atomic<std::size_t> connections{0};
  std::atomic<bool> serving{true};  ///< Before, only health and metrics are answered.
};

}  // namespace firn::gateway
