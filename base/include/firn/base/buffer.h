#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace firn {

/// What O_DIRECT asks of addresses, offsets and lengths, and the unit of every on-disk layout.
inline constexpr std::size_t kPageBytes = 4096;

constexpr std::uint64_t round_up_to_page(std::uint64_t bytes) { return (bytes + kPageBytes - 1) & ~(kPageBytes - 1); }

using ByteView = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Page-aligned memory with one owner, ready for O_DIRECT. Its bytes are not initialised.
///
/// Threads: none of its own; memory is recycled through a small cache of each thread and a larger one of the process,
/// and may be freed on another thread. Memory: capacity is rounded up to whole pages.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size_bytes);
  ~Buffer() { release(); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  /// At most `capacity()`; bytes gained are not initialised.
  void resize(std::size_t size_bytes);
  MutableBytes span() { return {data_, size_}; }
  ByteView view() const { return {data_, size_}; }

  /// What the calling thread keeps for its next buffers; never more than `kCachedBytesMax`.
  static std::size_t cached_bytes();
  /// Some eight stripes of one shard: enough that a busy connection never asks malloc, too little to matter per thread.
  static constexpr std::size_t kCachedBytesMax = std::size_t{8} << 20;
  /// What the process keeps beyond that and the regions, for all threads.
  static constexpr std::size_t kSharedBytesMax = std::size_t{32} << 20;

  /// Buffers of `kSharedBlockBytes` and more lie in these regions while there is room: what eight large uploads stream
  /// through. They stay where they are for as long as the process lives, so io_uring can be told of them once, instead
  /// of looking for their pages with each request.
  static constexpr std::size_t kRegions = 4;
  static constexpr std::size_t kRegionBytes = std::size_t{16} << 20;
  static constexpr std::size_t kSharedBlockBytes = std::size_t{64} << 10;
  /// The region that a buffer's memory lies in.
  static std::optional<std::size_t> region_of(const std::byte* memory);
  static MutableBytes region(std::size_t index);

 private:
  void release();
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// A part of a buffer shared by several readers (a cached body, a decoded stripe). Immutable once shared.
struct SharedBytes {
  std::shared_ptr<const Buffer> owner;  ///< Shared because the cache and any number of responses hold it, in no order.
  ByteView bytes;
};

}  // namespace firn
