#pragma once

#include <string>
#include <string_view>

#include "rows/key_values.h"

namespace firn::metadata::query {

/// What `key`, which begins with `prefix`, is rolled up into: all up to the first delimiter behind the prefix, with it.
/// Empty when it stands for itself.
std::string common_prefix(std::string_view key, std::string_view prefix, std::string_view delimiter);

/// Moves the cursor behind every row that begins with `prefix`.
void skip_prefix(Cursor& cursor, std::string_view prefix);

}  // namespace firn::metadata::query
