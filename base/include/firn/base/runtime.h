#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "firn/base/result.h"

namespace firn {

/// The process's threads: one io_context per io thread, and a small pool for calls that may block.
///
/// Threads: `run` and `stop` from the main thread; all else from anywhere.
/// An **io thread** runs one io_context and never blocks; work started there stays there. The **blocking pool** is for
/// RocksDB reads that miss the cache, name look-ups and the like.
class Runtime {
 public:
  explicit Runtime(std::size_t io_threads, std::size_t blocking_threads = kBlockingThreads);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  std::size_t io_threads() const { return contexts_.size(); }
  boost::asio::io_context& io(std::size_t index) { return *contexts_[index]; }
  boost::asio::thread_pool& blocking() { return blocking_; }

  /// The caller's io thread number, or `kNotAnIoThread`.
  static std::size_t current();
  static constexpr std::size_t kNotAnIoThread = static_cast<std::size_t>(-1);

  /// Starts the io threads and returns at once.
  void start();
  /// Stops the contexts and joins every thread. What is still queued is dropped: gates must be closed before.
  void stop();

 private:
  /// Enough to keep a few cold metadata reads in flight beside each other; more only adds context switches.
  static constexpr std::size_t kBlockingThreads = 4;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guards_;
  boost::asio::thread_pool blocking_;
  std::vector<std::thread> threads_;
};

/// Runs `work` (returning Result<T>) on the blocking pool; resumes on the caller's executor, also when `work` throws or
/// the caller is cancelled meanwhile: no frame of the caller ever runs on the pool. Work once started is not
/// interrupted.
template <class T>
Task<T> run_blocking(Runtime& runtime, std::function<Result<T>()> work) {
  const auto caller = co_await boost::asio::this_coro::executor;
  auto start = [&runtime, &work, &caller](auto handler) {
    boost::asio::post(runtime.blocking(), [work = std::move(work), handler = std::move(handler),
                                           guard = boost::asio::make_work_guard(caller)]() mutable {
      Result<T> result = Errc::internal;
      std::exception_ptr thrown;
      try {
        result = work();
      } catch (...) {
        thrown = std::current_exception();
      }
      work = nullptr;  // What it captured is gone before the caller goes on.
      boost::asio::post(guard.get_executor(), [handler = std::move(handler), thrown = std::move(thrown),
                                               result = std::move(result)]() mutable {
        std::move(handler)(std::move(thrown), std::move(result));
      });
    });
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                 void(std::exception_ptr, Result<T>)>(start,
                                                                                      boost::asio::use_awaitable);
}

}  // namespace firn
