#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <span>

#include "firn/base/cluster_identity.h"
#include "firn/base/result.h"

namespace firn::volume::wire {

/// The byte stream under a connection, plain or TLS.
///
/// Threads: one io thread. One read and one write may be under way at a time. Failures are Errc::io_error with the
/// reason: the connection is of no use any more.
class Channel {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  /// Runs of memory for one system call; the second may be empty.
  using ReadInto = std::array<boost::asio::mutable_buffer, 2>;

  virtual ~Channel() = default;
  /// Before anything else. Client and server each show their certificate, if it is TLS.
  virtual Task<> open() = 0;
  /// At least one byte.
  virtual Task<std::size_t> read_some(ReadInto into) = 0;
  /// All of it. The memory is not touched any more once this has returned, however it ended.
  virtual Task<> write(std::span<const boost::asio::const_buffer> buffers) = 0;
  /// Reads end; writing goes on.
  virtual void end_receiving() = 0;
  /// Operations under way fail.
  virtual void cut() = 0;
};

/// Certificate, key and authority of mutual TLS. New files serve the channels that come after them.
///
/// Threads: any.
class TlsFiles {
 public:
  /// Errc::io_error for files that can't be read or don't fit each other.
  static Result<std::shared_ptr<TlsFiles>> load(const PeerTls& files);
  virtual ~TlsFiles() = default;
  enum class Role : bool { client, server };
  virtual std::unique_ptr<Channel> channel(Channel::Socket socket, Role role) = 0;
};

std::unique_ptr<Channel> make_plain_channel(Channel::Socket socket);
/// TLS when `tls` is not null.
std::unique_ptr<Channel> make_channel(Channel::Socket socket, TlsFiles* tls, TlsFiles::Role role);

/// What a socket between nodes needs: small frames at once, and an end when the other machine is gone.
void tune(Channel::Socket& socket);

}  // namespace firn::volume::wire
