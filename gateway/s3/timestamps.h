#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "firn/base/clock.h"

namespace firn::gateway {

/// "2026-02-12T09:30:00.000Z", as S3's XML spells times. 24 characters.
std::string iso8601(UnixMs time);
/// "Thu, 12 Feb 2026 09:30:00 GMT", as HTTP spells them.
std::string http_date(UnixMs time);
/// Any of HTTP's three spellings, or ISO 8601 as some S3 headers use it. Nothing if it is none of them.
std::optional<UnixMs> parse_date(std::string_view text);
/// HTTP dates have whole seconds: comparisons with them must too.
constexpr UnixMs to_whole_seconds(UnixMs time) { return time - time % 1000; }

}  // namespace firn::gateway
