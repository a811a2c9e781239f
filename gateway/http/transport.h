#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>

#include "firn/base/buffer.h"

namespace firn::gateway {

/// What a read or write came to. Not a Result: would_block is ordinary, and an end or a failure ends the connection all
/// the same.
struct IoResult {
  enum class Status : std::uint8_t { moved, would_block, ended };
  Status status = Status::ended;
  std::size_t bytes = 0;
  bool moved() const { return status == Status::moved; }
  bool would_block() const { return status == Status::would_block; }
};

/// Two runs of memory for one system call. The second may be empty.
using ReadInto = std::array<boost::asio::mutable_buffer, 2>;
using WriteFrom = std::array<boost::asio::const_buffer, 2>;

/// The byte stream under a connection, plain or TLS. The `try_` calls never wait: the session uses them first, since an
/// Asio operation that is ready at once still costs a trip through its queue.
///
/// Threads: the io thread that accepted the connection.
class Transport {
 public:
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

  virtual ~Transport() = default;
  /// Whether the connection is ready for requests.
  virtual boost::asio::awaitable<bool> handshake() = 0;
  virtual IoResult try_read(const ReadInto& into) = 0;
  /// `more` follows at once: the network may wait for it to send fuller packets.
  virtual IoResult try_write(const WriteFrom& from, bool more) = 0;
  /// Waits until there is something to read, and reads it. Never would_block.
  virtual boost::asio::awaitable<IoResult> read(ReadInto into) = 0;
  /// After a write that would block: waits until it may not. False when the connection is gone.
  virtual boost::asio::awaitable<bool> wait_to_write() = 0;
  /// Says that nothing more will be sent; reading goes on.
  virtual void end_sending() = 0;
  /// Ends everything at once; operations under way fail.
  virtual void cut() = 0;
  /// "127.0.0.1:40112", for the access log.
  virtual std::string peer() const = 0;
};

std::unique_ptr<Transport> make_plain_transport(Transport::Socket socket);

}  // namespace firn::gateway
