#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "firn/base/result.h"
#include "firn/base/runtime.h"

namespace firn::server {

/// Runs `tasks` at once, task i on io thread i modulo their number, and waits for all. Results in the order of the
/// tasks.
template <class T>
boost::asio::awaitable<std::vector<Result<T>>> gather(Runtime& runtime, std::vector<Task<T>> tasks) {
  std::vector<Result<T>> results;
  if (tasks.empty()) co_return results;
  using Operation = decltype(boost::asio::co_spawn(runtime.io(0), std::move(tasks[0]), boost::asio::deferred));
  std::vector<Operation> operations;
  operations.reserve(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    operations.push_back(
        boost::asio::co_spawn(runtime.io(i % runtime.io_threads()), std::move(tasks[i]), boost::asio::deferred));
  }
  auto [order, thrown, values] = co_await boost::asio::experimental::make_parallel_group(std::move(operations))
                                     .async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (thrown[i]) std::rethrow_exception(thrown[i]);
    results.push_back(std::move(values[i]));
  }
  co_return results;
}

/// Runs one task on an io thread and waits for it. Never call this on an io thread.
template <class T>
T wait_on(boost::asio::io_context& context, boost::asio::awaitable<T> task) {
  FIRN_ASSERT(Runtime::current() == Runtime::kNotAnIoThread);
  return boost::asio::co_spawn(context, std::move(task), boost::asio::use_future).get();
}

}  // namespace firn::server
