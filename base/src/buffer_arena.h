#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

#include "firn/base/buffer.h"

namespace firn {

/// Where large buffers lie while there is room: `Buffer::kRegions` regions that stay where they are, so that the kernel
/// can be told of them once.
///
/// Threads: any. Memory: address space is taken at once, memory when it is first touched; none is given back.
class BufferArena {
 public:
  BufferArena();
  BufferArena(const BufferArena&) = delete;
  BufferArena& operator=(const BufferArena&) = delete;

  /// Whole pages within one region, or null where no region has a run so long.
  std::byte* take(std::size_t bytes);
  /// Whether it was the arena's.
  bool give(std::byte* memory, std::size_t bytes);
  std::optional<std::size_t> region_of(const std::byte* memory) const;
  MutableBytes region(std::size_t index) const;

 private:
  using FreeRuns =
      std::map<std::size_t, std::size_t>;  // Bytes by offset. None spans two regions, none touches another.
  void merge_with_next(FreeRuns::iterator run);

  std::mutex mutex_;
  std::byte* base_ = nullptr;  // Null where the system gives none; then there is never room.
  FreeRuns free_;
};

}  // namespace firn
