#pragma once

#include "http/server_context.h"
#include "s3/request.h"

namespace firn::gateway {

/// Whether the request is for administration: below /firn/admin/v1/, which takes precedence over keys of a bucket named
/// "firn". Never when the server has no AdminHandler.
bool is_admin_request(const ServerContext& context, const Request& request);

/// Its row: the name in metrics and log. The handler is not in it, since it needs the server's context.
const Operation& admin_operation();

/// The answer to an authenticated request. The root credential is the only one, so whoever signed may ask.
Task<Reply> admin_reply(const ServerContext& context, const Request& request);

}  // namespace firn::gateway
