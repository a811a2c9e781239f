#include "firn/base/buffer.h"

#include <array>
#include <cstdlib>
#include <new>

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

/// Buffers this thread gave back, newest last. A process uses few sizes (a chunk, a record, a socket read), so exact
/// sizes are matched; the oldest go first when the bound is reached, so a size no longer asked for does not stay.
class Cache {
 public:
  Cache() = default;
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  ~Cache();

  std::byte* take(std::size_t capacity_bytes) {
    for (std::size_t i = count_; i-- > 0;) {
      if (blocks_[i].capacity_bytes != capacity_bytes) continue;
      std::byte* memory = blocks_[i].memory;
      remove(i);
      return memory;
    }
    return nullptr;
  }

  /// False when it is too large to keep.
  bool give(std::byte* memory, std::size_t capacity_bytes) {
    if (capacity_bytes > Buffer::kCachedBytesMax) return false;
    while (count_ == kBlocksMax || bytes_ + capacity_bytes > Buffer::kCachedBytesMax) {
      std::free(blocks_[0].memory);
      remove(0);
    }
    blocks_[count_++] = {memory, capacity_bytes};
    bytes_ += capacity_bytes;
    return true;
  }

  std::size_t bytes() const { return bytes_; }

 private:
  /// Short enough to search and shift in some 50 ns.
  static constexpr std::size_t kBlocksMax = 32;
  struct Block {
    std::byte* memory;
    std::size_t capacity_bytes;
  };

  void remove(std::size_t index) {
    bytes_ -= blocks_[index].capacity_bytes;
    for (std::size_t i = index + 1; i < count_; ++i) blocks_[i - 1] = blocks_[i];
    --count_;
  }

  std::array<Block, kBlocksMax> blocks_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

/// A buffer may outlive the cache of its thread, in another thread-local object; this flag outlives both.
thread_local bool cache_ended = false;
thread_local Cache cache;

Cache::~Cache() {
  cache_ended = true;
  for (std::size_t i = 0; i < count_; ++i) std::free(blocks_[i].memory);
}

}  // namespace

Buffer::Buffer(std::size_t size_bytes) : size_(size_bytes), capacity_(round_up_to_page(size_bytes)) {
  if (capacity_ == 0) return;
  if (FIRN_BUFFER_CACHE && !cache_ended) data_ = cache.take(capacity_);
  if (data_ == nullptr) data_ = allocate(capacity_);
}

void Buffer::resize(std::size_t size_bytes) {
  FIRN_ASSERT(size_bytes <= capacity_);
  size_ = size_bytes;
}

void Buffer::release() {
  if (data_ == nullptr) return;
  if (!FIRN_BUFFER_CACHE || cache_ended || !cache.give(data_, capacity_)) std::free(data_);
  data_ = nullptr;
  size_ = capacity_ = 0;
}

std::size_t Buffer::cached_bytes() { return cache_ended ? 0 : cache.bytes(); }

}  // namespace firn
