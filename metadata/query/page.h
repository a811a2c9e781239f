#pragma once

#include <string>
#include <string_view>

#include "rows/key_values.h"

namespace firn::metadata::query {

/// What `key`, which begins with `prefix`, is rolled up into: all up to the first delimiter behind the prefix, with it.
/// Empty when it stands for itself.
std::string common_prefix(std::string_view key, std::string_view prefix, std::string_view delimiter);

/// Moves a cursor behind every row that begins with a prefix: by steps where prefixes have few rows, by a seek where
/// the one before had many. The cursor must stand on such a row.
class PrefixSkipper {
 public:
  void skip(Cursor& cursor, std::string_view prefix);

 private:
  bool seek_at_once_ = false;
};

}  // namespace firn::metadata::query
