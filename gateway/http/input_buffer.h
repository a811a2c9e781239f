#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "firn/base/assert.h"
#include "firn/base/buffer.h"
#include "http/limits.h"

namespace firn::gateway {

/// Bytes read from a connection and not yet used, in one piece. Grows to one largest head and no further.
class InputBuffer {
 public:
  InputBuffer() : bytes_(std::make_unique_for_overwrite<std::byte[]>(capacity_)) {}

  ByteView view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  std::string_view text() const { return as_text(view()); }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  void consume(std::size_t bytes) {
    FIRN_ASSERT(bytes <= size());
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  /// Room after what is there, moving it to the front and growing first if there is none. Empty when full for good.
  MutableBytes room() {
    if (end_ == capacity_ && begin_ > 0) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == capacity_ && capacity_ < limits::kHeadBytesMax) grow();
    return {bytes_.get() + end_, capacity_ - end_};
  }
  /// The first `bytes` of `room()` have been filled.
  void commit(std::size_t bytes) {
    FIRN_ASSERT(bytes <= capacity_ - end_);
    end_ += bytes;
  }
  /// Gives back what an unusually large head took. Only when empty.
  void shrink() {
    if (capacity_ == limits::kInputInitialBytes || !empty()) return;
    capacity_ = limits::kInputInitialBytes;
    bytes_ = std::make_unique_for_overwrite<std::byte[]>(capacity_);
  }

 private:
  void grow() {
    auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity_ * 2);
    std::memcpy(larger.get(), bytes_.get() + begin_, size());
    end_ -= begin_;
    begin_ = 0;
    capacity_ *= 2;
    bytes_ = std::move(larger);
  }

  std::size_t capacity_ = limits::kInputInitialBytes;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace firn::gateway
