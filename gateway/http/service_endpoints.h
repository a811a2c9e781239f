#pragma once

#include <optional>

#include "http/server_context.h"
#include "s3/request.h"

namespace firn::gateway {

/// An answer that is not S3's.
struct ServiceReply {
  std::string_view operation;  ///< Its name in metrics and log.
  Reply reply;
};

/// Answers the health endpoints (GET and HEAD, anonymous, nothing but a status) and /firn/metrics (with the metrics
/// token, unless public). Nothing for any other path. These exact paths take precedence over keys of buckets named
/// "firn" and "minio".
std::optional<ServiceReply> service_reply(const ServerContext& context, const Request& request);

}  // namespace firn::gateway
