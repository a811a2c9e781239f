#pragma once

#include <cstdint>

#include "firn/base/ids.h"
#include "firn/base/result.h"
#include "s3/request.h"

namespace firn::gateway {

/// The upload a request is about. What no upload of ours could be called does not exist: Errc::no_such_upload.
Result<Uuid> upload_id(const Request& request);

/// 1..10,000. Errc::invalid_argument.
Result<std::uint32_t> part_number(const Request& request);

}  // namespace firn::gateway
