#include "src/body_cache.h"

namespace firn::objects {
namespace {

/// ExtentIds are consecutive: their hash must not be taken for random.
std::uint64_t mixed(const ExtentId& extent) {
  std::uint64_t bits = std::hash<ExtentId>{}(extent) * 0x9E3779B97F4A7C15ULL;
  return bits ^ bits >> 32;
}

}  // namespace

BodyCache::BodyCache(std::uint64_t bytes_max) : part_bytes_max_(bytes_max / kParts), read_once_(kReadOnceCount) {}

SharedBytes BodyCache::find(const ExtentId& extent) {
  Part& part = part_of(mixed(extent));
  const std::lock_guard lock(part.mutex);
  const auto found = part.places.find(extent);
  if (found == part.places.end()) return {};
  part.newest_first.splice(part.newest_first.begin(), part.newest_first, found->second);
  return found->second->body;
}

bool BodyCache::wants(const ExtentId& extent, std::uint64_t extent_bytes) {
  if (extent_bytes > kExtentBytesMax || extent_bytes > part_bytes_max_) return false;
  const std::uint64_t hash = mixed(extent);
  const auto mark = static_cast<std::uint32_t>(hash >> 32) | 1U;  // 0 is nobody's.
  return read_once_[hash / kParts % kReadOnceCount].exchange(mark, std::memory_order_relaxed) == mark;
}

void BodyCache::put(const ExtentId& extent, const SharedBytes& body) {
  Part& part = part_of(mixed(extent));
  std::list<Entry> dropped;  // Freed past the lock.
  const std::lock_guard lock(part.mutex);
  if (part.places.contains(extent)) return;
  part.newest_first.push_front({extent, body});
  part.places.emplace(extent, part.newest_first.begin());
  part.bytes += body.owner->capacity();
  while (part.bytes > part_bytes_max_) {
    const auto oldest = std::prev(part.newest_first.end());
    part.bytes -= oldest->body.owner->capacity();
    part.places.erase(oldest->extent);
    dropped.splice(dropped.begin(), part.newest_first, oldest);
  }
}

}  // namespace firn::objects
