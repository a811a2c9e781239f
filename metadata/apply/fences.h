#pragma once

#include <map>

#include "apply/log_entry.h"
#include "rows/key_values.h"

namespace firn::metadata {

/// Which proposals can't be applied any more: docs/decisions/0006-proposals-are-settled-by-fences.md.
///
/// Threads: one. Memory: one row for each member there ever was.
class Fences {
 public:
  static Result<Fences> load(const Reader& state);

  bool refuses(const Origin& origin) const;
  /// Proposals of the origin's member before `origin` are refused from now on.
  void raise(const Origin& origin, KeyValues& changes);

 private:
  struct Fence {
    std::uint64_t start = 0;
    std::uint64_t below = 0;  ///< Of that start. Earlier starts are refused altogether.
  };
  std::map<std::uint64_t, Fence> by_member_;
};

}  // namespace firn::metadata
