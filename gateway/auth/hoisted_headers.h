#pragma once

#include <optional>

#include "firn/base/result.h"
#include "s3/request.h"

namespace firn::gateway {

/// The headers of a presigned request, together with the x-amz-* headers its signer has put into the query: SDKs
/// presign metadata, tags and copy sources that way. Nothing when the query has none. A header that was also sent stays
/// as sent.
///
/// Only for a query that a signature covers. Left out are the signature's own parameters and checksums of the body: the
/// SDKs presign those over an empty body, and S3 does not read them from there.
Result<std::optional<Fields>> with_hoisted_headers(const Query& query, const Fields& sent);

}  // namespace firn::gateway
