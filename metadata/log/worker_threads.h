#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace firn::metadata {

/// Runs a few calls at once: the first on the caller's thread, each other on a thread of its own that is kept.
///
/// Threads: `run` from one. Waiting threads use no CPU. (Mutex and condition: g++ 12's semaphores may sleep for ever,
/// GCC bug 104928.)
class WorkerThreads {
 public:
  WorkerThreads() = default;
  ~WorkerThreads();
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  /// Calls work(0) … work(count - 1), and returns when all have.
  void run(std::size_t count, const std::function<void(std::size_t)>& work);

 private:
  struct Worker {
    std::condition_variable wake;
    bool go = false;
    std::thread thread;
  };
  void serve(Worker& worker, std::size_t number);

  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<std::unique_ptr<Worker>> workers_;
  const std::function<void(std::size_t)>* work_ = nullptr;  ///< Null tells the workers to end.
  std::size_t left_ = 0;
};

}  // namespace firn::metadata
