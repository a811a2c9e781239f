#include "buffer_arena.h"

#include <sys/mman.h>

#include <cstdint>

#include "firn/base/assert.h"

namespace firn {
namespace {

constexpr std::size_t kArenaBytes = Buffer::kRegions * Buffer::kRegionBytes;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

/// Aligned to huge pages: the kernel then keeps note of eight pieces of a region, not of 4,096.
std::byte* reserve() {
  void* memory = ::mmap(nullptr, kArenaBytes + kHugePageBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const auto address = (reinterpret_cast<std::uintptr_t>(memory) + kHugePageBytes - 1) & ~(kHugePageBytes - 1);
  auto* const base = reinterpret_cast<std::byte*>(address);
  ::madvise(base, kArenaBytes, MADV_HUGEPAGE);
  // After a fork, whoever writes first gets another page, and the kernel would go on with the old one.
  ::madvise(base, kArenaBytes, MADV_DONTFORK);
  return base;
}

}  // namespace

BufferArena::BufferArena() : base_(reserve()) {
  if (base_ == nullptr) return;
  for (std::size_t i = 0; i < Buffer::kRegions; ++i) free_.emplace(i * Buffer::kRegionBytes, Buffer::kRegionBytes);
}

std::byte* BufferArena::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  // The lowest that fits: memory that was touched before, as far as there is some.
  for (auto run = free_.begin(); run != free_.end(); ++run) {
    const auto [offset, length] = *run;
    if (length < bytes) continue;
    free_.erase(run);
    if (length > bytes) free_.emplace(offset + bytes, length - bytes);
    return base_ + offset;
  }
  return nullptr;
}

bool BufferArena::give(std::byte* memory, std::size_t bytes) {
  if (!region_of(memory)) return false;
  const std::lock_guard lock(mutex_);
  const auto [run, is_new] = free_.emplace(static_cast<std::size_t>(memory - base_), bytes);
  FIRN_ASSERT(is_new);
  merge_with_next(run);
  if (run != free_.begin()) merge_with_next(std::prev(run));
  return true;
}

void BufferArena::merge_with_next(FreeRuns::iterator run) {
  const auto next = std::next(run);
  const std::size_t end = run->first + run->second;
  if (next == free_.end() || next->first != end || end % Buffer::kRegionBytes == 0) return;
  run->second += next->second;
  free_.erase(next);
}

std::optional<std::size_t> BufferArena::region_of(const std::byte* memory) const {
  // As numbers: `memory` is mostly none of ours.
  const auto offset = reinterpret_cast<std::uintptr_t>(memory) - reinterpret_cast<std::uintptr_t>(base_);
  if (base_ == nullptr || offset >= kArenaBytes) return std::nullopt;
  return offset / Buffer::kRegionBytes;
}

MutableBytes BufferArena::region(std::size_t index) const {
  return {base_ + index * Buffer::kRegionBytes, Buffer::kRegionBytes};
}

}  // namespace firn
