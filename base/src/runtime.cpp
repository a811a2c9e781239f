#include "firn/base/runtime.h"

#include <pthread.h>

#include <string>

namespace firn {
namespace {

thread_local std::size_t current_io_thread = Runtime::kNotAnIoThread;

}  // namespace

Runtime::Runtime(std::size_t io_threads, std::size_t blocking_threads) : blocking_(blocking_threads) {
  FIRN_ASSERT(io_threads > 0 && blocking_threads > 0);
  contexts_.reserve(io_threads);
  guards_.reserve(io_threads);
  for (std::size_t i = 0; i < io_threads; ++i) {
    // The hint says that one thread runs each context, which spares wake-ups; posting from others stays safe.
    contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
    guards_.push_back(boost::asio::make_work_guard(*contexts_.back()));
  }
}

Runtime::~Runtime() { stop(); }

std::size_t Runtime::current() { return current_io_thread; }

void Runtime::start() {
  FIRN_ASSERT(threads_.empty());
  for (std::size_t i = 0; i < contexts_.size(); ++i) {
    threads_.emplace_back([this, i] {
      current_io_thread = i;
      pthread_setname_np(pthread_self(), ("firn-io-" + std::to_string(i)).c_str());
      contexts_[i]->run();
    });
  }
}

void Runtime::stop() {
  guards_.clear();
  for (auto& context : contexts_) context->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  blocking_.stop();
  blocking_.join();
}

}  // namespace firn
