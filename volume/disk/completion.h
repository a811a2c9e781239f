#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace firn::volume {

/// A coroutine that waits for one answer. Lives in that coroutine's frame, so waiting allocates nothing.
class Completion {
 public:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() {
    if (destroy_ != nullptr) destroy_(storage_);
  }

  template <class Handler>
  void emplace(Handler handler) {
    static_assert(sizeof(Handler) <= kHandlerBytesMax && alignof(Handler) <= alignof(std::max_align_t));
    new (storage_) Handler(std::move(handler));
    destroy_ = [](void* storage) { std::launder(static_cast<Handler*>(storage))->~Handler(); };
    invoke_ = [](void* storage, std::int32_t result) {
      // Moved out first: resuming the coroutine may destroy this object.
      Handler resumed = std::move(*std::launder(static_cast<Handler*>(storage)));
      std::move(resumed)(result);
    };
  }

  /// Resumes the coroutine here and now. Once.
  void complete(std::int32_t result) { invoke_(storage_, result); }

 private:
  static constexpr std::size_t kHandlerBytesMax = 64;
  alignas(std::max_align_t) std::byte storage_[kHandlerBytesMax];
  void (*invoke_)(void*, std::int32_t) = nullptr;
  void (*destroy_)(void*) = nullptr;
};

}  // namespace firn::volume
