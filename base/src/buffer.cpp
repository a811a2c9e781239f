#include "firn/base/buffer.h"

#include <array>
#include <cstdlib>
#include <mutex>
#include <new>

#include "buffer_arena.h"
#include "firn/base/assert.h"

// Under AddressSanitizer every buffer comes from and goes to malloc, whose quarantine then finds a late use.
#if defined(__SANITIZE_ADDRESS__)
#define FIRN_BUFFER_CACHE 0
#else
#define FIRN_BUFFER_CACHE 1
#endif

namespace firn {
namespace {

std::byte* allocate(std::size_t capacity_bytes) {
  void* memory = std::aligned_alloc(kPageBytes, capacity_bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

/// Buffers that were given back, newest last. A process uses few sizes (a chunk, a record, a socket read), so exact
/// sizes are matched; the oldest go first when the bound is reached, so a size no longer asked for does not stay.
template <std::size_t kBlocksMax, std::size_t kBytesMax>
class Shelf {
 public:
  struct Block {
    std::byte* memory = nullptr;
    std::size_t capacity_bytes = 0;
  };

  std::byte* take(std::size_t capacity_bytes) {
    for (std::size_t i = count_; i-- > 0;) {
      if (blocks_[i].capacity_bytes != capacity_bytes) continue;
      std::byte* memory = blocks_[i].memory;
      remove(i);
      return memory;
    }
    return nullptr;
  }

  bool has_room(std::size_t capacity_bytes) const {
    return count_ < kBlocksMax && bytes_ + capacity_bytes <= kBytesMax;
  }
  /// There must be room.
  void give(Block block) {
    blocks_[count_++] = block;
    bytes_ += block.capacity_bytes;
  }
  Block take_oldest() {
    const Block oldest = blocks_[0];
    remove(0);
    return oldest;
  }

  bool empty() const { return count_ == 0; }
  std::size_t bytes() const { return bytes_; }

 private:
  void remove(std::size_t index) {
    bytes_ -= blocks_[index].capacity_bytes;
    for (std::size_t i = index + 1; i < count_; ++i) blocks_[i - 1] = blocks_[i];
    --count_;
  }

  std::array<Block, kBlocksMax> blocks_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

/// What threads have no room for, so that memory that uploads stream through is not given to the system and asked back,
/// page by page, with every chunk.
class SharedShelf {
 public:
  std::byte* take(std::size_t capacity_bytes) {
    const std::lock_guard lock(mutex_);
    return shelf_.take(capacity_bytes);
  }
  void give(std::byte* memory, std::size_t capacity_bytes) {
    std::unique_lock lock(mutex_);
    while (!shelf_.empty() && !shelf_.has_room(capacity_bytes)) std::free(shelf_.take_oldest().memory);
    if (shelf_.has_room(capacity_bytes)) {
      shelf_.give({memory, capacity_bytes});
    } else {
      std::free(memory);
    }
  }

 private:
  std::mutex mutex_;
  Shelf<256, Buffer::kSharedBytesMax> shelf_;
};

/// Never destroyed: buffers of other static objects come back at any time.
SharedShelf& shared_shelf() {
  static auto& shelf = *new SharedShelf;
  return shelf;
}

/// Never destroyed, for the same reason.
BufferArena& arena() {
  static auto& arena = *new BufferArena;
  return arena;
}

/// Smaller ones are malloc's business: it keeps them as well.
bool is_shared(std::size_t capacity_bytes) { return capacity_bytes >= Buffer::kSharedBlockBytes; }

std::byte* take_shared(std::size_t capacity_bytes) {
  std::byte* memory = arena().take(capacity_bytes);
  return memory != nullptr ? memory : shared_shelf().take(capacity_bytes);
}

void pass_on(std::byte* memory, std::size_t capacity_bytes) {
  if (!is_shared(capacity_bytes)) return std::free(memory);
  if (!arena().give(memory, capacity_bytes)) shared_shelf().give(memory, capacity_bytes);
}

/// One thread's own: a few short ones, searched and shifted in some 50 ns.
class Cache {
 public:
  Cache() = default;
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  ~Cache();

  std::byte* take(std::size_t capacity_bytes) { return shelf_.take(capacity_bytes); }
  void give(std::byte* memory, std::size_t capacity_bytes) {
    if (capacity_bytes > Buffer::kCachedBytesMax) return pass_on(memory, capacity_bytes);
    while (!shelf_.has_room(capacity_bytes)) {
      const auto oldest = shelf_.take_oldest();
      pass_on(oldest.memory, oldest.capacity_bytes);
    }
    shelf_.give({memory, capacity_bytes});
  }
  std::size_t bytes() const { return shelf_.bytes(); }

 private:
  Shelf<32, Buffer::kCachedBytesMax> shelf_;
};

/// A buffer may outlive the cache of its thread, in another thread-local object; this flag outlives both.
thread_local bool cache_ended = false;
thread_local Cache cache;

Cache::~Cache() {
  cache_ended = true;
  while (!shelf_.empty()) {
    const auto oldest = shelf_.take_oldest();
    pass_on(oldest.memory, oldest.capacity_bytes);
  }
}

}  // namespace

Buffer::Buffer(std::size_t size_bytes) : size_(size_bytes), capacity_(round_up_to_page(size_bytes)) {
  if (capacity_ == 0) return;
  if (FIRN_BUFFER_CACHE && !cache_ended) data_ = cache.take(capacity_);
  if (FIRN_BUFFER_CACHE && data_ == nullptr && is_shared(capacity_)) data_ = take_shared(capacity_);
  if (data_ == nullptr) data_ = allocate(capacity_);
}

void Buffer::resize(std::size_t size_bytes) {
  FIRN_ASSERT(size_bytes <= capacity_);
  size_ = size_bytes;
}

void Buffer::release() {
  if (data_ == nullptr) return;
  if (!FIRN_BUFFER_CACHE) {
    std::free(data_);
  } else if (cache_ended) {
    pass_on(data_, capacity_);
  } else {
    cache.give(data_, capacity_);
  }
  data_ = nullptr;
  size_ = capacity_ = 0;
}

std::optional<std::size_t> Buffer::region_of(const std::byte* memory) {
  return FIRN_BUFFER_CACHE ? arena().region_of(memory) : std::nullopt;
}

MutableBytes Buffer::region(std::size_t index) { return arena().region(index); }

std::size_t Buffer::cached_bytes() { return cache_ended ? 0 : cache.bytes(); }

}  // namespace firn
