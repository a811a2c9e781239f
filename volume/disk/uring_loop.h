#pragma once

#include <liburing.h>

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "disk/completion.h"
#include "firn/base/buffer.h"
#include "firn/base/result.h"

namespace firn::volume {

/// One io_uring, served by one io thread.
///
/// Threads: made and used on the thread that runs `context`; destroyed after that thread has ended.
/// Cost: requests queued in one turn of the loop are submitted by one io_uring_enter at its end.
/// Memory: the rings, some 300 KiB; requests live in their coroutines. The regions that large buffers lie in are pinned
/// at their first use, where the kernel and its limit of locked memory let them.
class UringLoop {
 public:
  static Result<std::unique_ptr<UringLoop>> make(boost::asio::io_context& context);
  ~UringLoop();
  UringLoop(const UringLoop&) = delete;
  UringLoop& operator=(const UringLoop&) = delete;

  /// Queues the request that `prepare(sqe)` describes; yields what the kernel answers: a count or -errno.
  /// Coroutines must run on the io_context itself (no strand): they are resumed from the loop directly.
  template <class Prepare>
  boost::asio::awaitable<std::int32_t> request(Prepare prepare) {
    Completion completion;
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(std::int32_t)>(
        [this, &completion, &prepare](auto handler) {
          completion.emplace(std::move(handler));
          start(completion, prepare);
        },
        boost::asio::use_awaitable);
  }

  /// Queues a request for a completion that was filled by the caller.
  template <class Prepare>
  void start(Completion& completion, const Prepare& prepare) {
    io_uring_sqe* sqe = next_entry();
    prepare(sqe);
    io_uring_sqe_set_data(sqe, &completion);
  }

  /// Describe a read into, or a write of, memory: with the kernel's own note of its pages where there is one, else
  /// looking for them is a quarter of what the request costs.
  void prepare_read(io_uring_sqe* sqe, int file, MutableBytes into, std::uint64_t offset_bytes);
  void prepare_write(io_uring_sqe* sqe, int file, ByteView bytes, std::uint64_t offset_bytes);

 private:
  enum class Pinning : std::uint8_t { untried, pinned, refused };

  explicit UringLoop(boost::asio::io_context& context);
  Result<> open();
  /// The region that `memory` lies in, if the kernel has pinned it for this ring.
  std::optional<int> pinned_region(const std::byte* memory);
  bool pin(std::size_t region);
  /// A free submission entry; submits what is queued when there is none. Schedules the submission.
  io_uring_sqe* next_entry();
  void submit();
  void await_events();
  void reap();

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor events_;
  std::uint64_t event_count_ = 0;
  io_uring ring_{};
  std::array<Pinning, Buffer::kRegions> regions_{};
  bool opened_ = false;
  bool submit_scheduled_ = false;
};

}  // namespace firn::volume
