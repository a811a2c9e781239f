#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

#include "firn/base/result.h"

namespace firn::test {

template <class T>
boost::asio::awaitable<void> store_result(Task<T> task, std::optional<Result<T>>& result) {
  result.emplace(co_await std::move(task));
}

/// Runs a coroutine that needs nothing but itself to its end.
template <class T>
Result<T> run(Task<T> task) {
  boost::asio::io_context context;
  std::optional<Result<T>> result;
  boost::asio::co_spawn(context, store_result(std::move(task), result), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  context.run();
  FIRN_ASSERT(result.has_value());
  return *std::move(result);
}

}  // namespace firn::test
