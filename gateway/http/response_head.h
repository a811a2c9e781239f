#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "firn/base/clock.h"
#include "s3/request.h"

namespace firn::gateway {

/// What the session adds to a Reply.
struct ResponseFrame {
  std::string_view request_id;
  std::string_view host_id;  ///< x-amz-id-2.
  UnixMs now = 0;
  bool keep_alive = true;
  std::optional<std::uint64_t> content_length;  ///< Missing for answers that have none: 204, 304.
};

/// Appends status line and headers with the final empty line. Control characters in values become spaces: no value,
/// some of which clients choose, can start a line of its own.
void append_response_head(std::string& out, const Reply& reply, const ResponseFrame& frame);

/// Whether the status allows a body at all.
bool may_have_body(unsigned status);

}  // namespace firn::gateway
