#pragma once

#include <string>
#include <string_view>

#include "firn/base/ids.h"

namespace firn::server {

/// From the kernel's generator. Only it is good enough for ids and secrets.
Uuid random_uuid();
/// `count` characters drawn evenly from `alphabet`.
std::string random_text(std::string_view alphabet, std::size_t count);

}  // namespace firn::server
