#pragma once

namespace firn {

/// Prints the broken invariant with its place, then aborts: a process that has lost its own rules must not go on
/// writing.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace firn

/// An invariant of ours. On in every build. Client input, disks and networks never assert: they return an Error.
#define FIRN_ASSERT(expr) ((expr) ? (void)0 : ::firn::assertion_failed(#expr, __FILE__, __LINE__))
