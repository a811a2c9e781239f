#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "firn/base/result.h"

namespace firn::config {

/// More drives than any machine has: a typing error in a range must not make millions of directories.
inline constexpr std::size_t kExpandedMax = 1024;

/// "/data{1...4}" as "/data1" to "/data4". Several ranges in one pattern multiply, the last varying fastest;
/// "{01...12}" keeps its width. Text without "..." in braces stays as it is. Errc::invalid_argument for a range that is
/// not one.
Result<std::vector<std::string>> expand_ellipses(std::string_view pattern);

}  // namespace firn::config
