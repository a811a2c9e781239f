#include "log/worker_threads.h"

namespace firn::metadata {

WorkerThreads::~WorkerThreads() {
  {
    const std::lock_guard lock(mutex_);
    work_ = nullptr;
    for (const std::unique_ptr<Worker>& worker : workers_) worker->go = true;
  }
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->wake.notify_one();
    worker->thread.join();
  }
}

void WorkerThreads::serve(Worker& worker, std::size_t number) {
  std::unique_lock lock(mutex_);
  while (true) {
    worker.wake.wait(lock, [&] { return worker.go; });
    worker.go = false;
    if (work_ == nullptr) return;
    const std::function<void(std::size_t)>& work = *work_;
    lock.unlock();
    work(number);
    lock.lock();
    if (--left_ == 0) done_.notify_one();
  }
}

void WorkerThreads::run(std::size_t count, const std::function<void(std::size_t)>& work) {
  if (count == 0) return;
  while (workers_.size() + 1 < count) {
    const std::size_t number = workers_.size() + 1;
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
    worker.thread = std::thread([this, &worker, number] { serve(worker, number); });
  }
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    left_ = count - 1;
    for (std::size_t i = 1; i < count; ++i) workers_[i - 1]->go = true;
  }
  for (std::size_t i = 1; i < count; ++i) workers_[i - 1]->wake.notify_one();
  work(0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return left_ == 0; });
}

}  // namespace firn::metadata
