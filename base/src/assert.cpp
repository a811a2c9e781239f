#include "firn/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace firn {

void assertion_failed(const char* expression, const char* file, int line) {
  // Straight to stderr: the logger may be what is broken, and must not lose the last words.
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  std::fflush(stderr);
  std::abort();
}

}  // namespace firn
