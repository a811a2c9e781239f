#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <string>

#include "firn/base/result.h"
#include "server/replica.h"

namespace firn::metadata {

/// A proposal that resumes a coroutine, by way of its executor.
template <class Handler>
class HandlerProposal final : public CommandProposal {
 public:
  HandlerProposal(Handler handler, std::string bytes)
      : CommandProposal(std::move(bytes)), handler_(std::move(handler)) {}
  void answer(Answer answer) override {
    const auto executor = boost::asio::get_associated_executor(handler_);
    boost::asio::post(executor, [handler = std::move(handler_), answer = std::move(answer)]() mutable {
      std::move(handler)(std::move(answer));
    });
  }

 private:
  Handler handler_;
};

/// Proposes an entry, and resumes with its answer on the caller's executor.
inline boost::asio::awaitable<Answer> propose(ReplicatedLog& log, std::string entry) {
  const auto begin = [](auto handler, ReplicatedLog* to, std::string bytes) {
    to->propose(std::make_unique<HandlerProposal<decltype(handler)>>(std::move(handler), std::move(bytes)));
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Answer)>(
      begin, boost::asio::use_awaitable, &log, std::move(entry));
}

/// Returns when whatever was committed before it was asked is in the state.
inline Task<> await_read_barrier(ReplicatedLog& log) {
  const auto begin = [](auto handler, ReplicatedLog* of) {
    // Shared: the log's callback can be copied, a coroutine's handler can't.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    of->read_barrier([shared](Result<> reached) {
      const auto executor = boost::asio::get_associated_executor(*shared);
      boost::asio::post(executor,
                        [shared, reached = std::move(reached)]() mutable { std::move (*shared)(std::move(reached)); });
    });
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Result<>)>(
      begin, boost::asio::use_awaitable, &log);
}

/// A proposal that calls back on the node's own threads.
class CallbackProposal final : public CommandProposal {
 public:
  CallbackProposal(std::string bytes, std::function<void(Answer)> call)
      : CommandProposal(std::move(bytes)), call_(std::move(call)) {}
  void answer(Answer answer) override { call_(std::move(answer)); }

 private:
  std::function<void(Answer)> call_;
};

}  // namespace firn::metadata
