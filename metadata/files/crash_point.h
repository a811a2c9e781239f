#pragma once

#include <atomic>
#include <functional>

namespace firn::metadata {

/// Named moments at which tests end the process, to see what the next start makes of what is on the drives. Without a
/// hook a point costs one load.
using CrashHook = std::function<void(const char* point)>;

/// Set before any thread of the node runs, and never changed while one does.
inline std::atomic<const CrashHook*> crash_hook{nullptr};

inline void crash_point(const char* point) {
  if (const CrashHook* hook = crash_hook.load(std::memory_order_acquire)) (*hook)(point);
}

}  // namespace firn::metadata
