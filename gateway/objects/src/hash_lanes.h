#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <vector>

#include "firn/objects/checksum.h"

namespace firn::objects {

/// Brings the bodies that stream through one io thread together, so that their MD5s are computed side by side.
///
/// MD5 is most of what a large PUT costs, and a single one can't be sped up. Bytes wait a few turns of the thread's
/// event loop, no timer, while other bodies' bytes arrive.
///
/// Threads: one instance per io thread, `here()`; all calls on it.
class HashLanes {
 public:
  static HashLanes& here();

  /// Gives `hasher` its bytes, which must stay until it has returned, and then `sink`.
  boost::asio::awaitable<void> update(BodyHasher& hasher, ByteView bytes, BlockSink& sink);

 private:
  using Waiter = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;

  void gather(const boost::asio::any_io_executor& executor, std::size_t seen, unsigned turns_left);
  void run();

  std::vector<BodyUpdate> updates_;
  std::vector<Waiter> waiters_;  // One for each of updates_.
};

}  // namespace firn::objects
